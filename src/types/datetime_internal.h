/* Shared by datetime_in.c and interval_in.c: tokens and keywords of date/time input. */
#ifndef HELIOS_TYPES_DATETIME_INTERNAL_H
#define HELIOS_TYPES_DATETIME_INTERNAL_H

#include "types/datetime.h"

typedef enum DtResult { DT_OK, DT_BAD_FORMAT, DT_FIELD_OVERFLOW, DT_MD_OVERFLOW, DT_INTERVAL_OVERFLOW, DT_ZONE_OVERFLOW, DT_BAD_ZONE } DtResult;

typedef enum FieldKind { FIELD_NUMBER, FIELD_DATE, FIELD_TIME, FIELD_ZONE, FIELD_WORD, FIELD_SPECIAL } FieldKind;
#define MAX_FIELDS 25
typedef struct Fields {
    int n;
    FieldKind kind[MAX_FIELDS];
    char *text[MAX_FIELDS]; /* lower case, zero-terminated */
    char buf[160 + MAX_FIELDS];
} Fields;
DtResult fields_split(Slice text, Fields *out);

/* What a word means. */
typedef enum WordKind { WORD_UNKNOWN, WORD_SPECIAL, WORD_MONTH, WORD_DOW, WORD_AMPM, WORD_ADBC, WORD_UNIT, WORD_ISOTIME, WORD_DSTMOD,
                        WORD_IGNORE, WORD_AGO } WordKind;
enum { SPECIAL_NOW, SPECIAL_TODAY, SPECIAL_TOMORROW, SPECIAL_YESTERDAY, SPECIAL_EPOCH, SPECIAL_INFINITY, SPECIAL_NEG_INFINITY, SPECIAL_ALLBALLS };
enum { UNIT_NONE, UNIT_MICROSEC, UNIT_MILLISEC, UNIT_SECOND, UNIT_MINUTE, UNIT_HOUR, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_QUARTER, UNIT_YEAR,
       UNIT_DECADE, UNIT_CENTURY, UNIT_MILLENNIUM, UNIT_JULIAN, UNIT_DOW, UNIT_DOY, UNIT_ISODOW, UNIT_ISOYEAR };
WordKind datetime_word(const char *word, int *value); /* of dates and times */
WordKind interval_word(const char *word, int *value); /* units of intervals */

/* Digits at *p (with optional sign); false on overflow of int. *end is left behind them. */
bool scan_int(const char *p, const char **end, int *out);
/* ".123" -> microseconds (rounded). */
bool scan_fraction(const char *p, int *usec);
STATUS datetime_error(DtResult r, Slice text, const char *typname, Error *err);

#endif
