/*
 * banned.h - libc functions that do not compile in this tree.
 *
 * Each is easy to misuse: no bounds, hidden global state, or a shell. Use
 * buf_printf, str_u64, clock_*, sys/spawn and the mem_* door instead.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* Declared by libc before they are poisoned here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name) banned_function_##name

#undef strcpy
#define strcpy BANNED(strcpy)
#undef strcat
#define strcat BANNED(strcat)
#undef strncpy
#define strncpy BANNED(strncpy)
#undef strncat
#define strncat BANNED(strncat)
#undef sprintf
#define sprintf BANNED(sprintf)
#undef vsprintf
#define vsprintf BANNED(vsprintf)
#undef strtok
#define strtok BANNED(strtok)
#undef atoi
#define atoi BANNED(atoi)
#undef atol
#define atol BANNED(atol)
#undef atoll
#define atoll BANNED(atoll)
#undef atof
#define atof BANNED(atof)
#undef gmtime
#define gmtime BANNED(gmtime)
#undef localtime
#define localtime BANNED(localtime)
#undef ctime
#define ctime BANNED(ctime)
#undef asctime
#define asctime BANNED(asctime)
#undef system
#define system BANNED(system)
#undef popen
#define popen BANNED(popen)
#undef rand
#define rand BANNED(rand)
#undef tmpnam
#define tmpnam BANNED(tmpnam)

#endif
