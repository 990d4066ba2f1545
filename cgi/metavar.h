/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The meta-variables (RFC 3875, section 4.1) and settings that PXESrv reads.
 * FastCGI params have the same form. NULL: missing or empty.
 */
struct metavars {
	const char *document_root;
	const char *path_info;
	const char *query_string;
	const char *remote_addr;
	const char *request_method;
	const char *request_uri;
	const char *script_name;
	const char *server_protocol;

	const char *pxesrv_allow;
	const char *pxesrv_identify;
	const char *pxesrv_log;
	const char *pxesrv_once_expires;
	const char *pxesrv_once_grace;
	const char *pxesrv_root;
	const char *pxesrv_send;
};

/*
 * Reads env, a NULL-terminated list of NAME=value. The pointers in out point
 * into env. The first of two variables with one name counts.
 */
void metavars_read(char *const env[], struct metavars *out);
