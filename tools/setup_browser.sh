#!/bin/sh
# The tests open the contact sheet in a real browser. Debian's Chromium is used, no download of another.
set -eu
if command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  if { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1; then
    exit 0
  fi
fi
echo "No Chromium was found and it could not be installed here (apt-get install chromium, as root)." >&2
echo "Everything else works; only the tests of the sheet in a browser need it." >&2
