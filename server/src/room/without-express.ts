// Must be imported before @colyseus/uwebsockets-transport: that package tries to import `uwebsockets-express` while it
// loads, and when it is not installed leaves a rejection that nobody handles, which by Node's rules ends the process.
// We have no use for Express, so the one import is answered with an empty module.

import { registerHooks } from 'node:module';

const hooks = registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier !== 'uwebsockets-express') return nextResolve(specifier, context);
    hooks.deregister();
    return { url: 'data:text/javascript,export default undefined', format: 'module', shortCircuit: true };
  },
});
