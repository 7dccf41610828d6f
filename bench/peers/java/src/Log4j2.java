import java.util.Map;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.logging.log4j.ThreadContext;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.builder.api.ConfigurationBuilder;
import org.apache.logging.log4j.core.config.builder.api.ConfigurationBuilderFactory;
import org.apache.logging.log4j.core.config.builder.impl.BuiltConfiguration;
import org.apache.logging.log4j.message.MapMessage;

/** log4j2 with JsonTemplateLayout in its ECS form, to a file that it buffers, in the caller's thread or behind its ring. */
final class Log4j2 implements Way {
    /** A message with typed fields, which the layout writes as an object. */
    static final class Fields extends MapMessage<Fields, Object> {
        private static final long serialVersionUID = 1;
    }

    private LoggerContext context;
    private Logger log;

    @Override
    public void open(String path) {
        ConfigurationBuilder<BuiltConfiguration> builder = ConfigurationBuilderFactory.newConfigurationBuilder();
        builder.setStatusLevel(Level.ERROR);
        builder.add(builder.newAppender("file", "RandomAccessFile").addAttribute("fileName", path)
            .addAttribute("immediateFlush", false).addAttribute("bufferSize", 65536)
            .add(builder.newLayout("JsonTemplateLayout").addAttribute("eventTemplate", template())));
        builder.add(builder.newRootLogger(Level.INFO).add(builder.newAppenderRef("file")));
        context = Configurator.initialize(builder.build());
        log = LogManager.getLogger(Workload.LOGGER);
    }

    private static String template() {
        return "{\"@timestamp\":{\"$resolver\":\"timestamp\",\"pattern\":{\"format\":\"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\","
            + "\"timeZone\":\"UTC\"}},\"log.level\":{\"$resolver\":\"level\",\"field\":\"name\"},"
            + "\"message\":{\"$resolver\":\"message\"},"
            + "\"ecs.version\":\"1.2.0\",\"process.thread.name\":{\"$resolver\":\"thread\",\"field\":\"name\"},"
            + "\"log.logger\":{\"$resolver\":\"logger\",\"field\":\"name\"},"
            + "\"labels\":{\"$resolver\":\"mdc\",\"flatten\":false}}";
    }

    @Override
    public void thread() {
        for (String[] pair : Workload.CONTEXT) ThreadContext.put(pair[0], pair[1]);
    }

    @Override
    public void run(String kind, int count) {
        for (int i = 0; i < count; i++) {
            switch (kind) {
                case "R10" -> log.info(fields(i));
                case "OFF" -> {
                    final int number = i;
                    log.debug(() -> fields(number));
                }
                case "ESC" -> log.info(Workload.escMessage);
                default -> log.info(Workload.message);
            }
        }
    }

    private static Fields fields(int i) {
        return new Fields().with("message", Workload.message).with("order_id", Workload.orderId)
            .with("customer", Workload.customer).with("payment", Workload.payment).with("amount", Workload.amount)
            .with("currency", Workload.currency).with("items", Workload.items).with("latency_us", Workload.latency(i))
            .with("shard", Workload.shard).with("gift", Workload.gift).with("path", Workload.path);
    }

    @Override
    public void close() {
        LogManager.shutdown();
    }

    public static void main(String[] arguments) throws Exception {
        for (int i = 0; i + 1 < arguments.length; i++) {
            if (arguments[i].equals("--way") && arguments[i + 1].equals("log4j2_async")) {
                System.setProperty("log4j2.asyncLoggerRingBufferSize", "8192");
                System.setProperty("log4j2.contextSelector", "org.apache.logging.log4j.core.async.AsyncLoggerContextSelector");
            }
        }
        Bench.main(arguments, Map.of("log4j2", new Log4j2(), "log4j2_async", new Log4j2()));
    }
}
