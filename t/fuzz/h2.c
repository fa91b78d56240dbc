/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole connection of HTTP/2: frames in, nothing but frames out.  The steps are
 * those of connection.c; what the client sends stands behind a preface.
 */
#define FUZZ_H2
#include "t/fuzz/connection.c"
