/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The meta-variables of a request (RFC 3875, section 4.1) that PXESrv reads,
 * and its own settings, which come the same way. FastCGI params are the same
 * thing in the same form. A variable that is missing or empty is NULL.
 */
struct metavars {
	const char *document_root;
	const char *path_info;
	const char *remote_addr;
	const char *request_method;
	const char *request_uri;
	const char *script_name;
	const char *server_protocol;

	const char *pxesrv_allow;
	const char *pxesrv_log;
	const char *pxesrv_once_grace;
	const char *pxesrv_root;
	const char *pxesrv_send;
};

/*
 * Reads env, NULL-terminated strings of the form NAME=value. The pointers in
 * out point into env. Of a variable that is there twice the first one counts.
 */
void metavars_read(char *const env[], struct metavars *out);
