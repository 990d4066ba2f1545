/* SPDX-License-Identifier: MIT */
/*
 * Files of DHCP servers. The first byte of the input says in which format it is
 * read; the rest is the file. Files that it names are not read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/leases.h"
#include "fuzz.h"

static const struct mac asked = {{0x00, 0x00, 0x5e, 0x00, 0x53, 0x0b}};

static void check_lease(const struct lease *lease, void *context)
{
	static const struct mac nobody;
	unsigned *count = context;

	(*count)++;
	/* Either no address of a machine was read, or one that it can have. */
	MUST(mac_equal(&lease->mac, &nobody) || (lease->mac.bytes[0] & 1) == 0);
	if (lease->is_reserved)
		MUST(lease->holds && !lease->is_followed && lease->order == 0 &&
			!mac_equal(&lease->mac, &nobody) &&
			!IN6_IS_ADDR_UNSPECIFIED(&lease->address.bits));
	else
		MUST(lease->record == 0);
	MUST(lease->name == NULL ||
		(lease->name[0] != '\0' && !lease->is_reserved));
}

static void check_host(const struct lease_host *host, void *context)
{
	static const struct mac nobody;
	unsigned *count = context;

	(*count)++;
	MUST(host->name[0] != '\0');
	MUST((host->mac.bytes[0] & 1) == 0);
	MUST(!mac_equal(&host->mac, &nobody) ||
		(host->record != 0 &&
			!IN6_IS_ADDR_UNSPECIFIED(&host->address.bits)));
}

static bool check_name(const char *name, int family, void *context)
{
	unsigned *count = context;

	(*count)++;
	MUST(family == AF_INET || family == AF_INET6);
	MUST(name[0] != '\0' && strlen(name) < 256);
	return name[0] != '!';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	static struct lease_sink sink;
	char path[64];
	unsigned count = 0;

	if (size == 0)
		return 0;
	if (file < 0)
		file = memfd_create("leases", MFD_CLOEXEC);
	MUST(file >= 0 && ftruncate(file, 0) == 0);
	MUST(pwrite(file, data + 1, size - 1, 0) == (ssize_t)size - 1);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	sink = (struct lease_sink){.found = check_lease,
		.named = check_host,
		.resolve = check_name,
		.context = &count,
		.mac = &asked,
		.depth = LEASES_DEPTH_MAX};
	const uint64_t before = fuzz_descriptors();
	const int err = leases_read(path, data[0] % (LEASES_ETHERS + 1), &sink);
	MUST(fuzz_descriptors() == before);
	MUST(err <= 0 && sink.depth == LEASES_DEPTH_MAX);
	MUST(err == 0 || err == -EBADMSG || err == -ELOOP || err == -ECANCELED);
	fuzz_tally(err == 0 && count > 0);
	return 0;
}
