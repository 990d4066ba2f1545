/* SPDX-License-Identifier: MIT */
/* Lease files of DHCP servers. The input is such a file. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/leases.h"
#include "fuzz.h"

static void check_lease(const struct lease *lease, void *context)
{
	static const struct mac nobody;
	unsigned *count = context;

	(*count)++;
	MUST(IN6_IS_ADDR_V4MAPPED(&lease->address.bits));
	/* Either no address of a machine was read, or one that it can have. */
	MUST(mac_equal(&lease->mac, &nobody) || (lease->mac.bytes[0] & 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	char path[64];
	unsigned count = 0;

	if (file < 0)
		file = memfd_create("leases", MFD_CLOEXEC);
	MUST(file >= 0 && ftruncate(file, 0) == 0);
	MUST(pwrite(file, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	const uint64_t before = fuzz_descriptors();
	const int err = leases_read(path, check_lease, &count);
	MUST(fuzz_descriptors() == before);
	MUST(err <= 0);
	fuzz_tally(err == 0 && count > 0);
	return 0;
}
