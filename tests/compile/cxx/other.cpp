// A second file with every header: nothing in them may be defined twice.
#include <weft/sys/encoder.h>
#include <weft/sys/sink.h>
#include <weft/test.h>
#include <weft/weft.h>

void log_from_other_file(weft_logger *log);
void log_from_other_file(weft_logger *log)
{
    const weft_mdc_token token = weft_mdc_push(weft_str("file", "other"));
    weft_info(log, "from other file", weft_kv("deep", 1.5f));
    weft_mdc_pop(token);
}
