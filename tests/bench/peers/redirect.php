<?php
// SPDX-License-Identifier: MIT
// What somebody would write in an afternoon: a once link is moved away, then served.
$root = $_SERVER['PXESRV_ROOT'];
$client = $_SERVER['REMOTE_ADDR'];
$once = "$root/once/$client";
$served = "$root/once/.served/$client";
$target = realpath($once);
if ($target && @rename($once, $served)) {
	$file = $target;
} elseif (is_file("$root/static/$client")) {
	$file = "$root/static/$client";
} else {
	$file = "$root/default";
}
header('Content-Type: text/plain');
header('Content-Length: ' . filesize($file));
readfile($file);
