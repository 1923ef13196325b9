// Run before `npm start` by whatever `node` is found, so in JavaScript that any Node of the last ten years reads.
// npm puts the Node 22 of our dependencies first; this tells when it did not come (install scripts off, npm ci not run).

const version = process.versions.node.split('.').map(Number);
if (version[0] < 22 || (version[0] === 22 && version[1] < 18)) {
  process.stderr.write(
    `Housefull needs Node 22.18 or newer, and this is ${process.version}: run "npm ci" with install scripts on (it brings Node 22), then "npm start".\n`,
  );
  process.exit(1);
}
