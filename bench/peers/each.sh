# Read by the install script of a language, which defines peer_NAME and $cache: each name of the arguments is installed
# anew; one that cannot be had leaves the reason in CACHE/NAME/absent.
missing=0
for name in "$@"; do
    echo "bench/peers/install: $name"
    rm -rf "${cache:?}/$name"
    mkdir -p "$cache/$name"
    (set -e; "peer_$name") > "$cache/$name/log" 2>&1 &
    if wait $!; then continue; fi
    { grep -m 1 -i error "$cache/$name/log" || tail -n 1 "$cache/$name/log"; } > "$cache/$name/absent"
    rm -f "$cache/$name/run"
    echo "bench/peers/install: $name cannot be had: $(cat "$cache/$name/absent")" >&2
    missing=1
done
exit $missing
