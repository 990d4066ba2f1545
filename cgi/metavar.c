/* SPDX-License-Identifier: MIT */
/* Finds the meta-variables that PXESrv reads among those of a request. */
#include "cgi/metavar.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	size_t offset;
} variables[] = {
	{"DOCUMENT_ROOT=", offsetof(struct metavars, document_root)},
	{"PATH_INFO=", offsetof(struct metavars, path_info)},
	{"QUERY_STRING=", offsetof(struct metavars, query_string)},
	{"REMOTE_ADDR=", offsetof(struct metavars, remote_addr)},
	{"REQUEST_METHOD=", offsetof(struct metavars, request_method)},
	{"REQUEST_URI=", offsetof(struct metavars, request_uri)},
	{"SCRIPT_NAME=", offsetof(struct metavars, script_name)},
	{"SERVER_PROTOCOL=", offsetof(struct metavars, server_protocol)},
	{"PXESRV_ALLOW=", offsetof(struct metavars, pxesrv_allow)},
	{"PXESRV_IDENTIFY=", offsetof(struct metavars, pxesrv_identify)},
	{"PXESRV_LOG=", offsetof(struct metavars, pxesrv_log)},
	{"PXESRV_ONCE_EXPIRES=",
		offsetof(struct metavars, pxesrv_once_expires)},
	{"PXESRV_ONCE_GRACE=", offsetof(struct metavars, pxesrv_once_grace)},
	{"PXESRV_ROOT=", offsetof(struct metavars, pxesrv_root)},
	{"PXESRV_SEND=", offsetof(struct metavars, pxesrv_send)},
};

static void read_metavar(const char *variable, struct metavars *out)
{
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		/* Skip most variables quickly: a request may have a hundred. */
		if (variable[0] != variables[i].name[0])
			continue;
		size_t length = strlen(variables[i].name);
		if (strncmp(variable, variables[i].name, length) != 0)
			continue;

		void *field = (char *)out + variables[i].offset;
		const char **value = field;
		if (*value == NULL && variable[length] != '\0')
			*value = variable + length;
		return;
	}
}

void metavars_read(char *const env[], struct metavars *out)
{
	*out = (struct metavars){0};
	for (; *env != NULL; env++)
		read_metavar(*env, out);
}
