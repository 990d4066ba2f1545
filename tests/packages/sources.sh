# SPDX-License-Identifier: MIT
# Where packages come from, for those who make a root of this machine's own
# release: from where apt-get has them, whatever form its sources are in.
release() {
	(. /etc/os-release && echo "$VERSION_CODENAME")
}
mirror() { # RELEASE
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' | sed -n "s/^$1 //p" | head -n 1
}
