// Does nothing, for as long as it is let: what its event loop waits for is the machine.
setInterval(() => undefined, 1_000);
