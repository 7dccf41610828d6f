/** What is logged. Fields are not final, so that nothing is known when it is compiled. */
final class Workload {
    static final String LOGGER = "orders.api";
    static String message = "order accepted";
    static String orderId = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    static String customer = "Maria Schneider";
    static String payment = "visa-4242";
    static String currency = "EUR";
    static String path = "/api/v1/orders/checkout";
    static double amount = 1234.56;
    static int items = 3;
    static int shard = 17;
    static boolean gift = true;
    static String escMessage = esc();

    static final String[][] CONTEXT = {
        {"request_id", "7f1c0d52-3e0b-4b8e-9a64-5c1f2a7be310"}, {"user", "u-1029384"}, {"tenant", "acme-eu"}};

    static int latency(int i) {
        return 20000 + i % 10000;
    }

    private static String esc() {
        String korean = "\uc8fc\ubb38\uc774 \uc811\uc218\ub428 \uace0\uac1d\ub2d8";
        String block = korean + "\t\"a\" \"bc\" \"def\" \"ghij\" the quick brown fox jumps over the lazy dog while the weaver "
            + "carries the thread from warp to warp, and back again\t";
        return block.repeat(5) + korean + " and that is the end of the story that this message has to tell: nothing more, "
            + "nothing less, and quite some bytes more than it would need";
    }

    private Workload() {}
}
