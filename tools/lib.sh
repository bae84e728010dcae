# Sourced by the scripts beside it: the cache, the lock, progress, failure.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${HEARTH_DEPS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hearth-deps}

# Homebrew keeps these out of the way of the system's own
if [ "$(uname -s)" = Darwin ]; then
    for keg in openssl@3 curl sqlite libedit; do
        PKG_CONFIG_PATH=${HOMEBREW_PREFIX:-/opt/homebrew}/opt/$keg/lib/pkgconfig:${PKG_CONFIG_PATH:-}
    done
    export PKG_CONFIG_PATH
fi

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# sha256_of: the hash of standard input, in hex
sha256_of() { openssl dgst -sha256 -r | cut -d' ' -f1; }

# lock FILE: held until this script ends. flock(1) where it exists (Linux);
# elsewhere a directory with the owner's process id, taken over when it is dead.
lock() {
    mkdir -p "$(dirname -- "$1")"
    if command -v flock >/dev/null 2>&1; then
        exec 9>>"$1"
        flock -n 9 || { say "waiting for another process: $1"; flock 9; }
        return
    fi
    told=
    until mkdir "$1.d" 2>/dev/null; do
        owner=$(cat "$1.d/pid" 2>/dev/null || :)
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            rm -rf "$1.d"
            continue
        fi
        [ -n "$told" ] || { say "waiting for process $owner: $1.d"; told=1; }
        sleep 1
    done
    echo $$ >"$1.d/pid"
    lock_dir=$1.d
    trap 'rm -rf "$lock_dir"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# jobs: compilers in parallel; one per processor, and 1.5 GB of memory for each
jobs() {
    n=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
    if [ -r /proc/meminfo ]; then
        m=$(awk '/^MemTotal/ { print int($2 / 1500000) }' /proc/meminfo)
        [ "$m" -ge "$n" ] || n=$m
    fi
    [ "$n" -ge 1 ] || n=1
    say "${HEARTH_JOBS:-$n}"
}
