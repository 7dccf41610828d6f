/*
 * Fields that a format defines for everyone: whether a value has the type that the definition asks
 * for. A value of another type under such a name would make the store refuse the whole line.
 *
 * Pure; any thread. May include: base.
 */
#ifndef WEFTP_ENCODE_KNOWN_H
#define WEFTP_ENCODE_KNOWN_H

#include <weft/field.h>

/* The types, as characters in the tables. */
enum {
    WEFTP_KNOWN_KEYWORD = 'k', /* a string, or an array of strings */
    WEFTP_KNOWN_LONG = 'l',    /* an integer of at most 63 bits and a sign */
    WEFTP_KNOWN_FLOAT = 'f',   /* any finite number */
    WEFTP_KNOWN_BOOL = 'b',
    WEFTP_KNOWN_DATE = 'd', /* a point in time */
    WEFTP_KNOWN_IP = 'i'    /* a string that may be an IPv4 or IPv6 address */
};

/* `as_string`: the value will be printed as a string, whatever it is. */
bool weftp_known_accepts(int type, const weft_field *field, bool as_string);

/* True when the value is printed as JSON null. */
bool weftp_field_is_null(const weft_field *field);

#endif
