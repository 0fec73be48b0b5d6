/** Lines as SLF4J's simple logger and a pattern without times print them: the thread, the level, the logger. */
public class Slf {
    static void log(String level, String message, Throwable t) {
        StringBuilder b = new StringBuilder("[" + Thread.currentThread().getName() + "] " + level + " com.shop.Orders - " + message + "\n");
        if (t != null) { java.io.StringWriter w = new java.io.StringWriter(); t.printStackTrace(new java.io.PrintWriter(w, true)); b.append(w); }
        byte[] all = b.toString().getBytes(); System.err.write(all, 0, all.length); System.err.flush();
    }
    public static void main(String[] a) throws Exception {
        log("INFO", "starting", null); log("INFO", "Loaded rules:\n- pen\n- ink", null);
        Thread.sleep(15);
        try { Object o = java.util.List.of(1).get(3); } catch (Exception e) { log("ERROR", "Failed to load order", e); }
        log("WARN", "Slow query: \n    select id\n    from orders\n", null);
        Thread.sleep(15);
        log("INFO", "POST /orders 500", null);
        throw new UnsupportedOperationException("not yet", new Exception("deep"));
    }
}
