/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1: for http/protocols.c. */
#pragma once

#include "http/conn.h"

extern const struct http_protocol h1_protocol;
