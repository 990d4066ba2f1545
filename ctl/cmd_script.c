/* SPDX-License-Identifier: MIT */
/*
 * pxesrvctl kickstart, pxesrvctl preseed: print boot scripts for installers,
 * like those in the example tree.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "boot/text.h"
#include "ctl/ctl.h"

/* The x86 kernel takes 2047 bytes; the script adds some. */
#define VALUES_MAX 1500

/* RFC 3986, section 2, without characters special to iPXE or a shell. */
#define URL_CHARACTERS                                                   \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" \
	"-._~:/?[]@&+,=%"

static const char *const schemes[] = {
	"http://", "https://", "ftp://", "tftp://", "nfs://"};

enum { FOR_INSTALLER = 3, FOR_IPXE = 5 }; /* how many of schemes */

struct installer {
	const char *system;
	const char *directory, *kernel, *initrd; /* in the repository */
	const char *arguments, *arguments_for_answers;
	size_t schemes; /* allowed in the repository's URL */
};

static const struct installer anaconda = {
	.system = "CentOS Stream, AlmaLinux, Rocky Linux or Fedora",
	.directory = "/images/pxeboot/",
	.kernel = "vmlinuz",
	.initrd = "initrd.img",
	.arguments = "inst.repo=${repo}",
	.arguments_for_answers = " inst.ks=${answers} inst.text",
	.schemes = FOR_INSTALLER,
};

static const struct installer debian = {
	.system = "Debian",
	.directory = "/",
	.kernel = "linux",
	.initrd = "initrd.gz",
	.arguments = "interface=auto",
	/* Else the installer asks if DHCP names no router or DNS. */
	.arguments_for_answers =
		" auto=true priority=critical url=${answers} netcfg/no_default_route=true netcfg/get_nameservers=",
	.schemes = FOR_IPXE,
};

static _Noreturn void reject_value(const char *value, const char *why)
{
	char shown[4 * VALUES_MAX];

	escape_line(value, shown, sizeof shown);
	errx(EX_USAGE, "%s: %s", shown, why);
}

static bool is_tree_path(const char *url)
{
	return url[strcspn(url, ":/?")] != ':';
}

/* Returns what follows the scheme, or NULL: not one of the first count. */
static const char *after_scheme(const char *url, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const size_t length = strlen(schemes[i]);
		if (strncmp(url, schemes[i], length) == 0)
			return url + length;
	}
	return NULL;
}

static void check_url(const char *url, size_t count)
{
	if (url[strspn(url, URL_CHARACTERS)] != '\0')
		reject_value(url, "a character that must be percent-encoded");
	if (is_tree_path(url)) {
		const char *path = url + (url[0] == '/');
		if (path[0] == '\0' || path[0] == '/') /* //HOST */
			reject_value(
				url, "not a URL and not a path in the tree");
		return;
	}
	const char *host = after_scheme(url, count);
	if (host == NULL || strcspn(host, "/:?@") == 0)
		reject_value(url,
			count == FOR_IPXE
				? "not an http, https, ftp, tftp or nfs URL"
				: "not an http, https or ftp URL");
}

/*
 * Rejects what iPXE would change. iPXE has no quotes: it splits a line at
 * spaces, ends it at a word that begins with #, starts a command after || && ;
 * and expands ${}. The kernel knows double quotes.
 */
static void check_cmdline(const char *text)
{
	bool is_quoted = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			reject_value(text, "not one line of printable ASCII");
		is_quoted ^= *p == '"';
		if (is_quoted && p[0] == ' ' && p[1] == ' ')
			reject_value(
				text, "iPXE turns several spaces into one");
		if (p[0] == '$' && p[1] == '{')
			reject_value(text, "iPXE replaces what begins with ${");
		if (p[0] == '\\' && p[1] == '\0')
			reject_value(text,
				"iPXE joins the next line to one that ends in a backslash");
	}
	if (is_quoted)
		reject_value(text, "a quote is not closed");
	const char *word = text + strspn(text, " ");
	while (*word != '\0') {
		const size_t length = strcspn(word, " ");
		if (word[0] == '#' || strspn(word, "|&;") == length)
			reject_value(text,
				"a word that begins with #, and || && ; are syntax of iPXE");
		word += length;
		word += strspn(word, " ");
	}
}

static void check_values(const struct installer *installer,
	const struct ctl *ctl, const char *answers)
{
	const char *values[] = {ctl->repo, answers, ctl->cmdline};
	size_t length = 0;

	if (ctl->repo == NULL)
		errx(EX_USAGE, "--repo is missing (-h explains it)");
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		length += values[i] == NULL ? 0 : strlen(values[i]);
	if (length > VALUES_MAX)
		errx(EX_USAGE,
			"%zu bytes do not fit on a kernel command line (%d fit)",
			length, VALUES_MAX);
	check_url(ctl->repo, installer->schemes);
	if (strchr(ctl->repo, '?') != NULL)
		reject_value(ctl->repo,
			"the URL of a directory cannot have a query");
	if (answers != NULL)
		check_url(answers, FOR_INSTALLER);
	if (ctl->cmdline != NULL)
		check_cmdline(ctl->cmdline);
}

static void print_server(void)
{
	puts("# The URL of this server, if iPXE does not know it.\n"
	     "#set pxesrv http://boot.example.org/\n"
	     "isset ${pxesrv} || set pxesrv ${cwduri}\n"
	     "isset ${pxesrv} || isset ${filename} || goto no-server\n"
	     "isset ${pxesrv} || set pxesrv ${filename}/../\n");
}

static void print_failures(bool needs_server)
{
	if (needs_server)
		puts(":no-server\n"
		     "echo\n"
		     "echo FAILED: iPXE does not know this server's URL.\n"
		     "echo Set pxesrv to it, in this script.\n"
		     "goto end\n");
	puts(":failed\n"
	     "echo\n"
	     "echo FAILED: ${file} cannot be fetched,\n"
	     "echo or this machine cannot run it.\n\n"
	     "# Back to the menu, or without one to the next boot device.\n"
	     ":end\n"
	     "prompt --timeout 20000 Press a key to go on. ||\n"
	     "imgfree\n"
	     "exit 1\n");
}

static void print_set(
	const char *name, const char *base, const char *url, size_t length)
{
	const size_t skip = is_tree_path(url) && url[0] == '/' ? 1 : 0;

	printf("set %s %s%.*s\n", name, is_tree_path(url) ? base : "",
		(int)(length - skip), url + skip);
}

/* iPXE resolves a path itself, but Anaconda needs the server's name. */
static void print_repository(const struct installer *installer, const char *url)
{
	size_t length = strlen(url);

	while (url[length - 1] == '/')
		length--;
	print_set("repo", installer == &anaconda ? "${pxesrv}" : "/", url,
		length);
}

static void print_fetch(const struct installer *installer, const char *command,
	const char *name)
{
	printf("set file ${repo}%s%s\n"
	       "%s --name %s ${file} || goto failed\n",
		installer->directory, name, command, name);
}

/* A mirror that has the installer also has the packages. */
static void print_mirror(const char *repo)
{
	const char *host = after_scheme(repo, 1);
	const char *path = host == NULL ? NULL : strchr(host, '/');
	const char *end = path == NULL ? NULL : strstr(path, "/dists/");

	if (end == NULL || memchr(host, '@', (size_t)(path - host)) != NULL)
		return;
	if (end == path)
		end++; /* the path is "/" */
	printf(" mirror/country=manual mirror/http/hostname=%.*s mirror/http/directory=%.*s mirror/http/proxy=",
		(int)(path - host), host, (int)(end - path), path);
}

static void print_start(const struct installer *installer,
	const struct ctl *ctl, const char *answers)
{
	puts(":install\n"
	     "imgfree");
	/* iPXE fetches it first, so that a wrong URL shows early. */
	if (answers != NULL)
		puts("set file ${answers}\n"
		     "imgfetch --name answers ${file} || goto failed\n"
		     "imgfree answers");
	print_fetch(installer, "kernel", installer->kernel);
	print_fetch(installer, "initrd", installer->initrd);
	printf("set file %s\n"
	       "imgargs %s initrd=%s %s%s BOOTIF=01-${netX/mac:hexhyp}",
		installer->kernel, installer->kernel, installer->initrd,
		installer->arguments,
		answers == NULL ? "" : installer->arguments_for_answers);
	if (installer == &debian)
		print_mirror(ctl->repo);
	if (ctl->cmdline != NULL && ctl->cmdline[0] != '\0')
		printf(" %s", ctl->cmdline);
	puts("\nboot || goto failed");
}

static bool print_script(const struct installer *installer,
	const struct ctl *ctl, const char *answers)
{
	check_values(installer, ctl, answers);
	const bool needs_server =
		(is_tree_path(ctl->repo) && installer == &anaconda) ||
		(answers != NULL && is_tree_path(answers));
	printf("#!ipxe\n"
	       "#\n"
	       "# Starts the installer of %s.\n"
	       "# Made by pxesrvctl.\n\n",
		installer->system);
	if (needs_server)
		print_server();
	print_repository(installer, ctl->repo);
	if (answers != NULL)
		print_set("answers", "${pxesrv}", answers, strlen(answers));
	puts("goto install\n");
	print_failures(needs_server);
	print_start(installer, ctl, answers);
	return true;
}

bool cmd_kickstart(struct ctl *ctl, int count, char *const operands[])
{
	return print_script(&anaconda, ctl, count > 0 ? operands[0] : NULL);
}

bool cmd_preseed(struct ctl *ctl, int count, char *const operands[])
{
	return print_script(&debian, ctl, count > 0 ? operands[0] : NULL);
}
