# SPDX-License-Identifier: MIT
# Completion of pxesrvctl for bash. It needs nothing but bash.

# The clients that have an entry in these directories of the tree.
_pxesrvctl_clients()
{
	local directory name

	for directory; do
		for name in $(command ls -- "$root/$directory" 2>/dev/null); do
			# Behind the client stands who has cancelled.
			[[ $directory != once/.cancelled ]] || name=${name%.*}
			# A README is no machine.
			[[ $name == README* ]] || COMPREPLY+=("$name")
		done
	done
}

_pxesrvctl_files()
{
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

# What a link may lead to, one directory at a time.
_pxesrvctl_targets()
{
	local directory='' name

	if [[ $cur == /* ]]; then
		_pxesrvctl_files
		return
	fi
	[[ $cur != */* ]] || directory=${cur%/*}/
	while IFS= read -r name; do
		name=$directory$name
		[[ $name != "$cur"* ]] && continue
		case $name in
		once | until | static | subnet | names) continue ;;
		esac
		if [[ -d $root/$name ]]; then
			name+=/
			compopt -o nospace
		fi
		printf -v name %q "$name"
		COMPREPLY+=("$name")
	done < <(command ls -- "$root/$directory" 2>/dev/null)
	# Complete already, since these may have backslashes before blanks.
	cur=
}

_pxesrvctl_value()
{
	case $1 in
	-r | --root)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	-f) [[ $command != log ]] && _pxesrvctl_files ;;
	--leases | --file) _pxesrvctl_files ;;
	-u | --user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	--client) _pxesrvctl_clients once until static names ;;
	--since | --timeout) COMPREPLY=(15m 2h 7d) ;;
	--repo | --cmdline) ;;
	*) return 1 ;;
	esac
}

_pxesrvctl_options()
{
	case $command in
	'') COMPREPLY=(-r -h -V) ;;
	once | until | static | rearm)
		COMPREPLY=(-f -u --json -n --force --each --leases) ;;
	subnet) COMPREPLY=(-u --json -n --force -d --missing-ok) ;;
	name) COMPREPLY=(-u --json -n --force -d --missing-ok --leases) ;;
	cancel) COMPREPLY=(-f -u --json -n --force --leases --missing-ok) ;;
	forget) COMPREPLY=(-f --json -n --force --leases --missing-ok) ;;
	list) COMPREPLY=(--json -U -u) ;;
	explain) COMPREPLY=(-f -u --json --force --each --leases) ;;
	wait) COMPREPLY=(-f -u --json --force --each --leases --timeout) ;;
	check) COMPREPLY=(-u --json) ;;
	log) COMPREPLY=(-f --client --since --json) ;;
	stats) COMPREPLY=(--since --prometheus) ;;
	chown) COMPREPLY=(--json) ;;
	kickstart | preseed) COMPREPLY=(--repo --cmdline) ;;
	esac
	[[ -z $command ]] || COMPREPLY+=(-r)
}

_pxesrvctl_operands()
{
	case $command in
	'') COMPREPLY=(once until static subnet name cancel rearm forget list
		explain wait check log stats kickstart preseed chown) ;;
	subnet) [[ $operands -eq 0 ]] || _pxesrvctl_targets ;;
	once | until | static)
		[[ $operands -eq 0 && ! $file ]] || _pxesrvctl_targets ;;
	cancel) _pxesrvctl_clients once until ;;
	rearm) _pxesrvctl_clients once/.served once/.cancelled ;;
	forget) _pxesrvctl_clients static ;;
	explain) _pxesrvctl_clients once until static names ;;
	wait) _pxesrvctl_clients once until ;;
	list) COMPREPLY=(armed until static subnet name unsure done served
		broken) ;;
	chown) [[ $operands -gt 0 ]] || mapfile -t COMPREPLY < <(
		compgen -u -- "$cur") ;;
	log | stats) _pxesrvctl_files ;;
	esac
}

_pxesrvctl()
{
	local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT}
	local words cur prev i command='' file='' operands=0
	local root=${PXESRV_ROOT:-/srv/pxesrv}

	COMPREPLY=()
	# COMP_WORDS is cut at colons, which IPv6 addresses are full of. A
	# backslash before a blank is to count.
	# shellcheck disable=SC2162
	read -a words <<<"$line"
	[[ $line != *[[:blank:]] || $line == *\\[[:blank:]] ]] || words+=("")
	cur=${words[-1]} prev=${words[-2]}
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		-r | --root) root=${words[++i]} ;;
		--root=*) root=${words[i]#*=} ;;
		-u | --user | --leases | --client | --since | --repo | \
			--cmdline | --timeout)
			((i++))
			;;
		-f | --file)
			# Of log, it is --follow.
			[[ $command == log ]] || file=${words[++i]}
			;;
		-*) ;;
		*)
			((operands += ${#command} > 0))
			command=${command:-${words[i]}}
			;;
		esac
	done
	root=${root/#~\//$HOME/}

	if ! _pxesrvctl_value "$prev"; then
		case $cur in
		-*) _pxesrvctl_options ;;
		*) _pxesrvctl_operands ;;
		esac
	fi
	_pxesrvctl_fit
}

# Keeps what begins as the word does. Readline puts it behind the last colon
# where that parts words.
_pxesrvctl_fit()
{
	local reply replies=("${COMPREPLY[@]}")
	local behind=${words[-1]%"${words[-1]##*:}"}

	[[ $COMP_WORDBREAKS == *:* ]] || behind=
	COMPREPLY=()
	for reply in "${replies[@]}"; do
		[[ $reply != "$cur"* ]] || COMPREPLY+=("${reply#"$behind"}")
	done
}

complete -F _pxesrvctl pxesrvctl
