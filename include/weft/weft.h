/* weft: structured JSON logs that carry the request's context. Includes the whole public interface but for plug-ins (sys/) and adapters. */
#ifndef WEFT_H
#define WEFT_H

#include "client.h"
#include "field.h"
#include "kv.h"
#include "level.h"
#include "log.h"
#include "logger.h"
#include "mdc.h"
#include "options.h"
#include "propagate.h"
#include "request.h"
#include "status.h"
#include "thread.h"

#endif
