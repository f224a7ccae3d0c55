#!/bin/sh
# Counts the #tags in the notes of a directory and prints the most frequent ones as JSON.
set -eu
directory=$1
notes=$(find "$directory" -name '*.md' | wc -l)
grep -oh '#[a-z][a-z-]*' "$directory"/*.md | sort | uniq -c | sort -rn | awk -v notes="$notes" '
  { count[NR] = $1; tag[NR] = substr($2, 2); mentions += $1 }
  END {
    printf "{\"notes\": %d, \"mentions\": %d, \"wishes\": [", notes, mentions
    for (i = 1; i <= NR; i++) printf "%s{\"name\": \"%s\", \"mentions\": %d}", (i > 1 ? ", " : ""), tag[i], count[i]
    print "]}"
  }'
