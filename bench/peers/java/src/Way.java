/** A way to get a record out. */
interface Way {
    void open(String path) throws Exception;

    /** Puts the context of the calling thread. */
    void thread();

    /** Logs {@code count} records. */
    void run(String kind, int count);

    /** Returns when what was logged is handed to the operating system. */
    void close() throws Exception;
}
