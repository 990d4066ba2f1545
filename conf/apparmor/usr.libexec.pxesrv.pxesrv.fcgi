# PXESrv: what the responder may touch, for AppArmor 3 and later.
#
#	cp usr.libexec.pxesrv.pxesrv.fcgi /etc/apparmor.d/
#	apparmor_parser -r /etc/apparmor.d/usr.libexec.pxesrv.pxesrv.fcgi
#	systemctl restart pxesrv.service
#
# A responder that runs already is not held by a profile that is new.
#
# Another tree, in /etc/apparmor.d/tunables/pxesrv:
#	@{PXESRV_ROOT}+=/data/boot
# The directory itself (realpath), not a link to it: AppArmor sees where links
# have led.
# What else is yours (PXESRV_ALLOW, PXESRV_LOG, a socket elsewhere, -u and -g),
# in /etc/apparmor.d/local/usr.libexec.pxesrv.pxesrv.fcgi:
#	/srv/images/** r,

abi <abi/3.0>,

include <tunables/global>

@{PXESRV_ROOT}=/srv/pxesrv
include if exists <tunables/pxesrv>

# The socket that systemd hands over is from outside its mount namespace.
profile pxesrv.fcgi /usr/libexec/pxesrv/pxesrv.fcgi flags=(attach_disconnected) {
  # Not abstractions/base, which has what users may start, in their homes.
  /usr/libexec/pxesrv/pxesrv.fcgi mr,
  /{usr/,}lib{,32,64}/{,@{multiarch}/}*.so* mr,
  @{etc_ro}/ld.so.cache r,
  @{etc_ro}/localtime r,
  /usr/share/zoneinfo/** r,
  @{sys}/devices/system/cpu/online r,
  /dev/null rw,

  # Who has the lock on once/.lock.
  @{PROC}/locks r,

  # Which file system the tree is on.
  @{PROC}/*/mountinfo r,

  # The tree: read, and links moved, or a client's GRUB configuration removed.
  @{PXESRV_ROOT}/ r,
  @{PXESRV_ROOT}/** r,
  @{PXESRV_ROOT}/once/** rwlk,
  @{PXESRV_ROOT}/until/** rw,
  @{PXESRV_ROOT}/grub/*/grub.cfg-* w,

  # The log; a terminal that is standard error is opened anew.
  /var/log/pxesrv.log* w,
  /dev/{pts/*,tty*,console} w,

  # A socket of its own, with a lock on its directory; or lighttpd's.
  @{run}/pxesrv/ rwk,
  @{run}/pxesrv/fcgi.sock* rw,
  network unix stream,

  # To tell systemd that it is ready; its standard error.
  @{run}/systemd/notify w,
  network unix dgram,
  @{run}/systemd/journal/stdout rw,

  # To be ended, and seen by ps(1) and ss(8).
  signal (receive),
  ptrace (readby),

  include if exists <local/usr.libexec.pxesrv.pxesrv.fcgi>
}
