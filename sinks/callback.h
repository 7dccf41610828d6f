/*
 * `callback:` and `callback:NAME`: lines go to a function of the program (weft_sink_callback_set).
 * No options.
 *
 *   function                | called by
 *   ------------------------|------------------------------------------------------------
 *   weft_sink_callback_set  | any thread; from inside a callback it answers WEFT_ESTATE
 *   the sink's own          | as the sink contract says
 *
 * The names are kept for the life of the process: a callback may be set before its sink is opened,
 * and outlives a reload.
 */
#ifndef WEFTP_SINKS_CALLBACK_H
#define WEFTP_SINKS_CALLBACK_H

#include <weft/sys/sink.h>

extern const struct weft_sink_type_more weftp_sink_callback;

#endif
