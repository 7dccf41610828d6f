/* weft: structured JSON logs that carry the request's context. Includes the whole public interface but for plug-ins (sys/) and adapters. */
#ifndef WEFT_H
#define WEFT_H

#include "level.h"
#include "status.h"
#include "field.h"
#include "kv.h"
#include "logger.h"
#include "log.h"
#include "mdc.h"
#include "thread.h"
#include "options.h"
#include "propagate.h"
#include "request.h"

#endif
