/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir's own version, and the version of nginx that it is compatible with.
 */
#pragma once

#define WEIR_NAME    "weir"
#define WEIR_VERSION "0.1.0"

#define NGINX_NAME    "nginx"
#define NGINX_VERSION "1.31.5"
