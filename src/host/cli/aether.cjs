#!/usr/bin/env node
// The published command. Any Node can parse it, so that one that is too old gets a sentence instead of a syntax error or
// the crash of a native module.
'use strict';

var fs = require('fs');
var path = require('path');

var NEEDED = 24;
var root = path.join(__dirname, '..', '..', '..');
var program = path.join(root, 'dist', 'host', 'cli', 'main.js');
var pinned = path.join(root, 'node_modules', 'node', 'bin', 'node');

function stop(sentence) {
  process.stderr.write(sentence + '\n');
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  // A checkout brings its own Node; the variable ends a circle of an unfit one.
  if (fs.existsSync(pinned) && !process.env.AETHER_REEXEC) {
    again();
  } else {
    stop(
      'aether needs Node ' +
        NEEDED +
        ' or newer, and this is Node ' +
        process.versions.node +
        '. ' +
        'Install it from https://nodejs.org, or with nvm: nvm install ' +
        NEEDED +
        '.'
    );
  }
} else if (!fs.existsSync(program)) {
  stop(
    fs.existsSync(path.join(root, 'node_modules'))
      ? 'This checkout of aether is not built yet. Run: npm run build'
      : 'This checkout of aether is not installed yet. Run: npm install'
  );
} else {
  delete process.env.AETHER_REEXEC;
  try {
    require(program);
  } catch (error) {
    fail(error);
  }
}

// The child shares this terminal: the keyboard's signals reach it by themselves, the others are passed on.
function again() {
  var env = Object.assign({}, process.env, { AETHER_REEXEC: '1' });
  var child = require('child_process').spawn(pinned, [__filename].concat(process.argv.slice(2)), {
    stdio: 'inherit',
    env: env
  });
  ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'].forEach(function (signal) {
    process.on(signal, function () {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  });
  child.on('error', fail);
  child.on('exit', function (code, signal) {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exit(code);
  });
}

function fail(error) {
  stop(error && error.stack ? error.stack : String(error));
}
