/* touchline/version.h - versions of the program and of the plugin ABI.
 *
 * History of the ABI
 *   1.0  first: see plugin.h.
 *   1.1  streams, attachments fetched later, operations, ledger, acknowledgement, refusal before
 *        sending; an entry's place.
 * A minor step appends members at the end of a struct; a major step may do anything and makes
 * the host refuse plugins of another major.
 */
#ifndef TOUCHLINE_VERSION_H
#define TOUCHLINE_VERSION_H

#define TOUCHLINE_VERSION "0.1.0"

#define TL_ABI_MAJOR 1
#define TL_ABI_MINOR 1

#endif
