import static net.logstash.logback.argument.StructuredArguments.kv;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.FileAppender;
import java.util.Map;
import net.logstash.logback.appender.LoggingEventAsyncDisruptorAppender;
import net.logstash.logback.encoder.LogstashEncoder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** logback with logstash-logback-encoder, to a file that it buffers, in the caller's thread or behind a ring. */
final class Logback implements Way {
    private final boolean async;
    private LoggerContext context;
    private Logger log;

    private Logback(boolean async) {
        this.async = async;
    }

    @Override
    public void open(String path) {
        context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        LogstashEncoder encoder = new LogstashEncoder();
        encoder.setContext(context);
        encoder.start();
        FileAppender<ILoggingEvent> file = new FileAppender<>();
        file.setContext(context);
        file.setFile(path);
        file.setEncoder(encoder);
        file.setImmediateFlush(false);
        file.setBufferSize(new ch.qos.logback.core.util.FileSize(65536));
        file.start();
        ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.INFO);
        root.addAppender(async ? ring(file) : file);
        log = LoggerFactory.getLogger(Workload.LOGGER);
    }

    private Appender<ILoggingEvent> ring(Appender<ILoggingEvent> file) {
        LoggingEventAsyncDisruptorAppender appender = new LoggingEventAsyncDisruptorAppender();
        appender.setContext(context);
        appender.addAppender(file);
        appender.setAppendTimeout(ch.qos.logback.core.util.Duration.buildByMilliseconds(-1)); // a full ring blocks
        appender.start();
        return appender;
    }

    @Override
    public void thread() {
        for (String[] pair : Workload.CONTEXT) MDC.put(pair[0], pair[1]);
    }

    @Override
    public void run(String kind, int count) {
        for (int i = 0; i < count; i++) {
            switch (kind) {
                case "R10" -> log.info(Workload.message, fields(i));
                case "OFF" -> log.debug(Workload.message, fields(i));
                case "ESC" -> log.info(Workload.escMessage);
                default -> log.info(Workload.message);
            }
        }
    }

    private static Object[] fields(int i) {
        return new Object[] {kv("order_id", Workload.orderId), kv("customer", Workload.customer),
            kv("payment", Workload.payment), kv("amount", Workload.amount), kv("currency", Workload.currency),
            kv("items", Workload.items), kv("latency_us", Workload.latency(i)), kv("shard", Workload.shard),
            kv("gift", Workload.gift), kv("path", Workload.path)};
    }

    @Override
    public void close() {
        context.stop();
    }

    public static void main(String[] arguments) throws Exception {
        Bench.main(arguments, Map.of("logback", new Logback(false), "logback_async", new Logback(true)));
    }
}
