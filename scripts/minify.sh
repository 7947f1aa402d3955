#!/bin/sh
# Makes w.min.js of w.js, the script of published smileys; needs npx. A test compares the hash in its first line.
set -eu
cd "$(dirname "$0")/../src/hymio/gateway/digital/static"
small=$(npx --yes terser@5.51.4 w.js --ecma 2021 --compress passes=3 --mangle toplevel)
{
    echo "// made by scripts/minify.sh of w.js with the SHA-256 $(sha256sum w.js | cut -c 1-64)"
    printf '%s' "$small"
} > w.min.js
