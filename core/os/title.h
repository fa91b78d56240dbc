/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ps shows of a process.
 */
#pragma once

/* Before anything keeps a pointer into the environment: moves it elsewhere,
 * so that its room serves for titles.  argv is a copy from then on; returns
 * it. */
char **title_init(int argc, char **argv);

/* Sets the title to "PROGRAM: text". */
void title_set(const char *program, const char *text);

/* Gives back what title_init took. */
void title_fini(void);
