# What a container runs on a real cluster: it tells by fingerprint what it was given, and never a value.
# For the sh and the tools of busybox. Its arguments are the mounted paths. It writes no file, for the root may be
# read-only. One line at the start, and one after each change of a mounted folder by the kubelet:
#
#   {"rotaproof":"report","seq":1,"env":{"NAME":"<fp>"},"files":{"/path":{"fingerprint":"<fp>","mode":"0644"}}}
#
#   ROTAPROOF_PROBE_INNER, _OUTER  the first blocks of HMAC under the run's key, as escapes for printf
#   ROTAPROOF_PROBE_CHECK          the fingerprint of "rotaproof", to which this image's tools have to come
#   ROTAPROOF_PROBE_LEFT_OUT       variables that the container runtime sets and the container's spec does not
#   ROTAPROOF_PROBE_RUNS_FOR       seconds until the end; without it the end is SIGTERM
#   ROTAPROOF_PROBE_EXIT_CODE      how it ends then
#
# Its own names begin with rp_: each variable of the container is one of this shell, too.

trap 'exit 0' TERM INT
PATH=/bin:/usr/bin:/sbin:/usr/sbin
# Lengths are of bytes.
LC_ALL=C
export PATH LC_ALL
IFS=' '
unset CDPATH
set -u
set -o pipefail
cd /

rp_for_ever=2147483647

# The fingerprint of standard input: the first 12 digits of what it prints.
rp_fingerprint() {
    {
        printf "$ROTAPROOF_PROBE_OUTER"
        # sha256sum adds the name of its input to the digest; xxd ends there, for it is not hex.
        { printf "$ROTAPROOF_PROBE_INNER" && cat; } | sha256sum | xxd -r -p
    } | sha256sum
}

# Sets rp_text to the argument as it stands between quotes in JSON.
rp_json() {
    rp_text=$1
    case $1 in
    *[\"\\[:cntrl:]]*) ;;
    *) return ;;
    esac
    rp_text=
    rp_rest=$1
    while [ -n "$rp_rest" ]; do
        rp_char=${rp_rest%"${rp_rest#?}"}
        rp_rest=${rp_rest#?}
        case $rp_char in
        [\"\\]) rp_char="\\$rp_char" ;;
        [[:cntrl:]]) rp_char=$(printf '\\u%04x' "'$rp_char") ;;
        esac
        rp_text=$rp_text$rp_char
    done
}

# Where each variable lies in the environment that the kernel keeps of this process: offset, length, name in brackets.
# The shell's own variables would not do: it drops names such as `a.b`. NUL and line end become one byte each, so that
# there is one variable a line and every length stays.
rp_variables() {
    tr '\000\n' '\n\001' <"/proc/$$/environ" | awk '
        BEGIN { at = 1 }
        {
            equals = index($0, "=")
            if (equals) print at + equals, length($0) - equals, "<" substr($0, 1, equals - 1) ">"
            at += length($0) + 1
        }'
}

# The members of "env". A value goes from pipe to pipe: as an argument it could be too long.
rp_env() {
    rp_comma=
    rp_variables | while read -r rp_at rp_length rp_name; do
        rp_name=${rp_name#<}
        rp_name=${rp_name%>}
        case " $ROTAPROOF_PROBE_LEFT_OUT " in *" $rp_name "*) continue ;; esac
        case $rp_name in ROTAPROOF_PROBE*) continue ;; esac
        rp_json "$rp_name"
        rp_print=$(tail -c "+$rp_at" "/proc/$$/environ" | head -c "$rp_length" | rp_fingerprint)
        [ ${#rp_print} -ge 64 ] || exit 1
        printf '%s"%s":"%.12s"' "$rp_comma" "$rp_text" "$rp_print"
        rp_comma=,
    done
}

# The member of "files" for the path that is open as standard input; nothing where it cannot be read.
rp_file() {
    rp_print=$(rp_fingerprint) && rp_mode=$(stat -L -c %a /proc/self/fd/0) || return
    rp_json "$1"
    printf '%s"%s":{"fingerprint":"%.12s","mode":"%04d"}' "$rp_comma" "$rp_text" "$rp_print" "$rp_mode"
    rp_comma=,
}

# All files at and below a path. `..data` and the folders behind it are how files come here, not what a program reads.
rp_walk() {
    if [ -f "$1" ]; then
        rp_file "$1" 2>/dev/null <"$1"
    elif [ -d "$1" ] && [ "$2" -gt 0 ]; then
        for rp_entry in "$1"/* "$1"/.[!.]*; do
            rp_walk "$rp_entry" $(($2 - 1))
        done
    fi
}

rp_files() {
    rp_comma=
    for rp_mount; do
        while [ "$rp_mount" != "${rp_mount%/}" ]; do rp_mount=${rp_mount%/}; done
        # The depth ends a cycle of links.
        rp_walk "$rp_mount" 16
    done
}

# Sets rp_now to where the kubelet's `..data` links lead. It changes a folder by turning that link, and nothing else.
rp_look() {
    rp_now=
    for rp_mount; do
        cd -P -- "$rp_mount/..data" 2>/dev/null && rp_now=$rp_now:$PWD
    done
    cd /
}

rp_seq=0
rp_report() {
    rp_seq=$((rp_seq + 1))
    printf '{"rotaproof":"report","seq":%d,"env":{%s},"files":{%s}}\n' "$rp_seq" "$rp_env" "$(rp_files "$@")"
}

# A look each 100 ms, made of builtins: the waiting read, whose input never comes, too. So it costs next to nothing, and
# busybox as released has no inotifyd. The look comes before the files: a change during a report brings another.
rp_follow() {
    while :; do
        read -r -t 0.1 rp_never
        rp_look "$@"
        [ "$rp_now" = "$rp_seen" ] && continue
        rp_seen=$rp_now
        rp_report "$@"
    done
}

rp_print=$(printf rotaproof | rp_fingerprint)
case $rp_print in
"$ROTAPROOF_PROBE_CHECK"*) ;;
*)
    echo "rotaproof: the tools of this image cannot make a fingerprint" >&2
    exit 70
    ;;
esac
rp_env=$(rp_env) || {
    echo "rotaproof: the environment cannot be read" >&2
    exit 70
}
rp_look "$@"
rp_seen=$rp_now
rp_report "$@"
# Without such a link nothing will change.
if [ -n "$rp_seen" ]; then
    sleep "$rp_for_ever" | rp_follow "$@" &
fi
# SIGTERM interrupts `wait`; it would not interrupt a command.
sleep "${ROTAPROOF_PROBE_RUNS_FOR:-$rp_for_ever}" &
wait $!
exit "${ROTAPROOF_PROBE_EXIT_CODE:-0}"
