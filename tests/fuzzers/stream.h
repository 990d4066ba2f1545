/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_MAX 131072

/* FastCGI records, one behind the other. */
struct stream {
	uint8_t bytes[STREAM_MAX];
	size_t size;
};

/* Adds a record of request 1. What there is no room for is left out. */
void stream_record(
	struct stream *out, unsigned type, const void *content, size_t size);

/* Adds a param to content, which is size bytes long; returns its new size. */
size_t stream_pair(const char *name, const char *value, uint8_t *content,
	size_t size, size_t max);

/* A request as it was understood. */
struct request {
	unsigned id;
	bool keep;
	uint8_t params[STREAM_MAX]; /* the content of PARAMS */
	size_t size;
};

/*
 * A second opinion, written apart from the gate, on whether these bytes are
 * one whole request that may pass it. out is worth something when they are.
 */
bool stream_is_request(const uint8_t *bytes, size_t size, struct request *out);

/* One param, which points into the request. */
struct param {
	const char *name, *value; /* without a NUL behind them */
	size_t name_size, value_size;
};

/* Takes the param at *at and moves on. False at the end, or when broken. */
bool stream_param(const struct request *request, size_t *at, struct param *out);
