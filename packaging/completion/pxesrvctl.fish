# SPDX-License-Identifier: MIT
# Completion of pxesrvctl for fish.

# The tree, then the command and its operands as far as they stand before the
# cursor, one a line.
function __pxesrvctl_words
	set -l root /srv/pxesrv
	set -q PXESRV_ROOT; and set root $PXESRV_ROOT
	set -l operands
	set -l words (commandline -opc)
	set -e words[1]
	while set -q words[1]
		switch $words[1]
			case -r --root
				set -q words[2]; and set root $words[2]
				set -e words[1]
			case '--root=*'
				set root (string sub -s 8 -- $words[1])
			case -u --user --leases --client --since --repo \
				--cmdline --timeout --file
				set -e words[1]
			case -f
				# Of log, it is --follow.
				contains -- log $operands[1]
				or set -e words[1]
			case '-*'
			case '*'
				set -a operands $words[1]
		end
		set -e words[1]
	end
	string join \n -- (string replace -r '^~/' $HOME/ -- $root) $operands
end

function __pxesrvctl_has_no_command
	test (count (__pxesrvctl_words)) -eq 1
end

# Whether the command is one of these.
function __pxesrvctl_is
	set -l words (__pxesrvctl_words)
	set -q words[2]; and contains -- $words[2] $argv
end

# Whether the command is one of these, and has an operand already.
function __pxesrvctl_goes_on
	__pxesrvctl_is $argv; and test (count (__pxesrvctl_words)) -gt 2
end

# Whether a link's target may follow: a client is there, or a file of clients.
function __pxesrvctl_wants_target
	__pxesrvctl_goes_on once until static subnet; and return
	__pxesrvctl_is once until static
	and string match -qr -- '^(-f|--file)' (commandline -opc)
end

# The clients that have an entry in these directories of the tree.
function __pxesrvctl_clients
	set -l words (__pxesrvctl_words)
	for directory in $argv
		# A README is no machine.
		set -l names $words[1]/$directory/*
		# Behind the client stands who has cancelled.
		string replace -r '(/once/\.cancelled/.*)\.\d+$' '$1' -- $names |
			string replace -r '.*/' '' |
			string match -v 'README*'
	end
end

# What a link may lead to, one directory at a time.
function __pxesrvctl_targets
	set -l words (__pxesrvctl_words)
	set -l word (commandline -ct)
	if string match -q '/*' -- $word
		__fish_complete_path $word
		return
	end
	# An empty one is still one: without it there would be no paths.
	set -l directory (string match -r '.*/' -- $word; or echo)
	set -l paths $words[1]/$directory*
	for path in $paths
		set -l name $directory(string replace -r '.*/' '' -- $path)
		contains -- $name once until static subnet names; and continue
		test -d $path; and set name $name/
		echo $name
	end
end

function __pxesrvctl_option
	complete -c pxesrvctl -n "__pxesrvctl_is $argv[1]" $argv[2..]
end

complete -c pxesrvctl -f
complete -c pxesrvctl -s r -x -a '(__fish_complete_directories)' -d 'The tree'

for line in \
	'once	Arm: the next boot gets it, one time' \
	'until	Each boot gets it, until the machine is done' \
	'static	Each boot gets it' \
	'subnet	Each boot in a network gets it' \
	'name	Make several addresses one machine' \
	'cancel	Take the once link away, unserved' \
	'rearm	Arm again what was served' \
	'forget	Remove the entry in static/' \
	'list	What there is' \
	'explain	What a client gets, and why' \
	'wait	Wait until links are served' \
	'check	What is wrong in the tree' \
	'log	What was served' \
	'stats	How much was served' \
	'kickstart	Print a boot script' \
	'preseed	Print a boot script' \
	'chown	Give once/ to a user'
	complete -c pxesrvctl -n __pxesrvctl_has_no_command -a "'$line'"
end

set -l arm once until static cancel rearm
__pxesrvctl_option "$arm subnet name explain wait check list" -s u -x \
	-a '(__fish_complete_users)' -d 'Look at the tree as this user'
__pxesrvctl_option "$arm explain wait forget" -l force -d 'Allow many addresses, or files'
__pxesrvctl_option 'subnet name' -l force -d 'Replace files, or other names'
__pxesrvctl_option 'subnet name' -s d -d 'Remove'
__pxesrvctl_option 'once until static rearm explain wait' -l each \
	-d 'All addresses of a machine'
__pxesrvctl_option "$arm name explain wait forget" -l leases -r -F \
	-d 'Where to look machines up'
__pxesrvctl_option "$arm subnet name forget chown list explain wait check log" -l json \
	-d 'One object a line'
__pxesrvctl_option "$arm subnet name forget" -s n -d 'Only show what would change'
__pxesrvctl_option 'subnet name cancel forget' -l missing-ok \
	-d 'Nothing to remove is no error'
__pxesrvctl_option list -s U -d 'In the order of the directory'
__pxesrvctl_option "$arm explain wait forget" -s f -r -F -d 'A file of clients'
__pxesrvctl_option wait -l timeout -x -a '15m 2h 7d' -d 'Wait no longer'
__pxesrvctl_option log -s f -d 'Follow the log'
__pxesrvctl_option log -l client -x \
	-a '(__pxesrvctl_clients once until static names)' -d 'Only this client'
__pxesrvctl_option 'log stats' -l since -x -a '15m 2h 7d' -d 'Only lines not older'
__pxesrvctl_option stats -l prometheus -d 'For the node exporter'
__pxesrvctl_option 'kickstart preseed' -l repo -x -d "The distribution's files"
__pxesrvctl_option 'kickstart preseed' -l cmdline -x -d "Append to the kernel's command line"

complete -c pxesrvctl -n __pxesrvctl_wants_target \
	-a '(__pxesrvctl_targets)'
__pxesrvctl_option cancel -a '(__pxesrvctl_clients once until)'
__pxesrvctl_option rearm -a \
	'(__pxesrvctl_clients once/.served once/.cancelled)'
__pxesrvctl_option forget -a '(__pxesrvctl_clients static)'
__pxesrvctl_option explain -a '(__pxesrvctl_clients once until static names)'
__pxesrvctl_option wait -a '(__pxesrvctl_clients once until)'
complete -c pxesrvctl \
	-n '__pxesrvctl_is chown; and not __pxesrvctl_goes_on chown' \
	-a '(__fish_complete_users)'
__pxesrvctl_option list -a 'armed until static subnet name unsure done served broken'
__pxesrvctl_option 'log stats' -F
