package billing;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseEntity;
import org.springframework.http.client.ClientHttpRequestInterceptor;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;
import org.springframework.web.filter.OncePerRequestFilter;

/** billing: passes charges on to payments. Its lines have the MDC entries traceId, spanId and request_id. */
@SpringBootApplication
public class App {
    static final String HEADER = "x-request-id";
    static final String REQUEST_ID = "request_id";

    public static void main(String[] args) {
        SpringApplication.run(App.class, args);
    }

    /** The span of the request that a thread is in: the parent of the calls that it makes. */
    static final ThreadLocal<String> SERVER_SPAN = new ThreadLocal<>();

    /** One line for a request or a call at its end. The tracing puts trace and span into the MDC, but not the parent. */
    static void record(Logger log, String parentSpan, String what, int status, long begunNs) {
        double tookMs = Math.round((System.nanoTime() - begunNs) / 1e3) / 1e3;
        try (var a = MDC.putCloseable("parent_span_id", parentSpan);
             var b = MDC.putCloseable("status", Integer.toString(status));
             var c = MDC.putCloseable("took_ms", Double.toString(tookMs))) {
            log.info("{} {}", what, status);
        }
    }

    /** The caller's span, if the request goes on with the caller's trace. */
    static String callerSpan(HttpServletRequest req) {
        String trace = MDC.get("traceId");
        String[] parts = String.valueOf(req.getHeader("traceparent")).split("-");
        if (parts.length >= 4 && parts[1].equals(trace)) return parts[2];
        String b3 = req.getHeader("x-b3-traceid");   // may be the lower half alone
        return b3 != null && trace != null && trace.endsWith(b3) ? req.getHeader("x-b3-spanid") : null;
    }

    /** The request's id goes into the MDC and back on the response; at the end an access line. Runs inside of the request's span. */
    @Component
    @Order(Ordered.HIGHEST_PRECEDENCE + 10)
    static class AccessFilter extends OncePerRequestFilter {
        private final Logger log = LoggerFactory.getLogger("billing.access");

        @Override
        protected void doFilterInternal(HttpServletRequest req, HttpServletResponse res, FilterChain chain)
                throws ServletException, IOException {
            long begunNs = System.nanoTime();
            String id = req.getHeader(HEADER);
            if (id == null || id.isBlank()) id = UUID.randomUUID().toString();
            String attempt = req.getHeader("x-envoy-attempt-count");
            res.setHeader(HEADER, id);
            try (var a = MDC.putCloseable(REQUEST_ID, id);
                 var b = MDC.putCloseable("attempt", attempt == null ? "1" : attempt)) {
                SERVER_SPAN.set(MDC.get("spanId"));
                chain.doFilter(req, res);
                record(log, callerSpan(req), req.getMethod() + " " + req.getRequestURI(), res.getStatus(), begunNs);
            } finally {
                SERVER_SPAN.remove();
            }
        }
    }

    /** From Boot's builder: that one carries the tracing. It uses the JDK's client. */
    @Bean
    RestClient payments(RestClient.Builder builder, @Value("${billing.payments}") String url) {
        Logger log = LoggerFactory.getLogger("billing.client");
        ClientHttpRequestInterceptor call = (request, body, execution) -> {
            long begunNs = System.nanoTime();
            String id = MDC.get(REQUEST_ID);
            if (id != null) request.getHeaders().set(HEADER, id);
            var response = execution.execute(request, body);
            record(log, SERVER_SPAN.get(), request.getMethod() + " " + request.getURI().getPath(),
                    response.getStatusCode().value(), begunNs);
            return response;
        };
        return builder.baseUrl(url).requestInterceptor(call).build();
    }

    @RestController
    static class Charges {
        private static final Logger log = LoggerFactory.getLogger("billing.api");
        private final RestClient payments;

        Charges(RestClient payments) {
            this.payments = payments;
        }

        /** 5.03: at the first attempt the answer of payments gets lost, so that a proxy tries again. */
        @PostMapping("/charges")
        ResponseEntity<String> charge(@RequestParam String amount,
                                      @RequestHeader(name = "x-envoy-attempt-count", defaultValue = "2") int attempt) {
            log.info("charge of {} passed on", amount);
            ResponseEntity<String> answer = ask(HttpMethod.POST, amount);
            if (!amount.equals("5.03") || attempt > 1) return answer;
            log.warn("the answer got lost");
            return ResponseEntity.status(503).body("{\"error\":\"lost\"}");
        }

        @GetMapping("/charges")
        ResponseEntity<String> look(@RequestParam String amount) {
            return ask(HttpMethod.GET, amount);
        }

        private ResponseEntity<String> ask(HttpMethod method, String amount) {
            var answer = payments.method(method).uri("/charges?amount={amount}", amount).retrieve()
                    .onStatus(HttpStatusCode::isError, (request, response) -> { })
                    .toEntity(String.class);
            return ResponseEntity.status(answer.getStatusCode()).body(answer.getBody());
        }
    }
}
