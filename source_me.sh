# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For a shell in which PXESrv is tried: where things are, and functions that
# start the server, and a machine that boots from it.
#
#     . ./source_me.sh
#
# From any directory in bash and zsh. Another shell does not tell which file it
# reads, so there this must be the current directory's. What is set already
# stays, but for PXESRV_PATH.
#
#     pxesrv_start [OPTION...]   ./pxesrv on PXESRV_PORT, in the foreground
#     pxe_instance [OPTION...]   a virtual machine that boots from there, in
#                                this terminal; the options are QEMU's
#
# The server sees that machine as 127.0.0.1, so its link is once/127.0.0.1.
# Ctrl-A X switches it off.

if [ -n "${BASH_VERSION:-}" ]; then
	PXESRV_PATH=$(dirname -- "$BASH_SOURCE")
elif [ -n "${ZSH_VERSION:-}" ]; then
	PXESRV_PATH=$(eval 'dirname -- "${(%):-%x}"')
else
	PXESRV_PATH=.
fi
PXESRV_PATH=$(unset CDPATH && cd -- "$PXESRV_PATH" && pwd)
if ! [ -e "$PXESRV_PATH/pxesrv" ] || ! [ -e "$PXESRV_PATH/source_me.sh" ]; then
	echo 'source_me.sh: this shell can only read it where it lies: cd there' >&2
	unset PXESRV_PATH
	return 1
fi
PXESRV_ROOT=${PXESRV_ROOT:-$PXESRV_PATH/public}
PXESRV_PORT=${PXESRV_PORT:-4567}
PXESRV_LOG=${PXESRV_LOG:-/tmp/pxesrv.log}
case :$PATH: in
*":$PXESRV_PATH:"*) ;;
*) PATH=$PXESRV_PATH:$PXESRV_PATH/build/ctl:$PATH ;;
esac
export PXESRV_PATH PXESRV_ROOT PXESRV_PORT PXESRV_LOG PATH

pxesrv_start() {
	"$PXESRV_PATH/pxesrv" -p "$PXESRV_PORT" "$@"
}

# 10.0.2.2 is what QEMU's own network calls this host.
pxe_instance() {
	"$PXESRV_PATH/packaging/install-needs" qemu ipxe-roms || return
	qemu-system-x86_64 -M pc,accel=tcg -m 1G -nographic -boot n -nic \
		"user,model=virtio,bootfile=http://10.0.2.2:$PXESRV_PORT/redirect" \
		"$@"
}

# As they were called.
alias pxe-instance=pxe_instance vm-boot-pxe=pxe_instance
