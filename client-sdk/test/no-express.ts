// Colyseus' uWebSockets transport looks for Express as soon as it is loaded, and leaves a rejected promise behind when
// there is none. Loaded before the transport, this gives it an empty module instead.

import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === 'uwebsockets-express'
      ? { url: 'data:text/javascript,export default () => undefined;', shortCircuit: true }
      : nextResolve(specifier, context),
});
