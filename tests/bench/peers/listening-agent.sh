#!/bin/sh
# An agent of the adoption bench: answers each line that is typed to it, and hands what looks like a message of
# the protocol to its tools, whose answers it shows.
stty -echo
mkfifo "$TMPDIR/tools"
"$AETHER_MCP_COMMAND" <"$TMPDIR/tools" &
exec 3>"$TMPDIR/tools"
echo ready
while read -r line; do
  case $line in
    '{'*) printf '%s\n' "$line" >&3 ;;
    *) echo "heard $line" ;;
  esac
done
