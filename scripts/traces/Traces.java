// Prints logs and stack traces as Java programs do. A line `===` stands between two logs.
import java.util.logging.*;

public class Traces {
    static void mark() { System.out.flush(); System.err.flush(); System.err.println("==="); System.err.flush(); }
    static void say(String text) { System.err.println(text); mark(); }
    static void deep(int n) { if (n == 0) throw new IllegalArgumentException("deep down"); deep(n - 1); }
    static void charge() { throw new IllegalStateException("gateway refused"); }
    static void order() { try { charge(); } catch (RuntimeException e) { throw new RuntimeException("order 7 failed", e); } }

    static class Closing implements AutoCloseable {
        public void close() { throw new UnsupportedOperationException("cannot close"); }
    }

    static class OwnException extends Exception {
        OwnException(String message) { super(message); }
    }

    public static void main(String[] arguments) throws Exception {
        say("2026-11-22 19:30:01,123 INFO  [main] c.e.App - starting");
        say("plain line");
        try { order(); } catch (RuntimeException e) { e.printStackTrace(); }
        mark();
        say("2026-11-22 19:30:01,124 INFO  [main] c.e.App - still alive");
        try { order(); } catch (RuntimeException e) {
            System.err.println("2026-11-22 19:30:01,125 ERROR [main] c.e.App - could not place order");
            e.printStackTrace();
        }
        mark();
        try { order(); } catch (RuntimeException e) { System.err.print("2026-11-22 19:30:01,126 ERROR [main] c.e.App - failed: "); e.printStackTrace(); }
        mark();
        say("{\"level\":\"info\",\"msg\":\"json between\"}");
        try (Closing closing = new Closing()) { charge(); } catch (Exception e) { e.printStackTrace(); }
        mark();
        try { deep(40); } catch (RuntimeException e) { e.printStackTrace(); }
        mark();
        try { throw new OwnException("first line\nsecond line of the message\nthird line"); } catch (OwnException e) { e.printStackTrace(); }
        mark();
        say("10.0.0.1 - - [22/Nov/2026:19:30:01 +0000] \"GET / HTTP/1.1\" 200 12");
        try { Object x = "a"; Integer y = (Integer) x; } catch (ClassCastException e) { e.printStackTrace(); }
        mark();
        try { java.util.List.of(1).forEach(n -> { throw new ArithmeticException("in a lambda"); }); } catch (RuntimeException e) { e.printStackTrace(); }
        mark();
        try { Object[] a = new Object[0]; Object b = a[3]; } catch (RuntimeException e) { e.printStackTrace(); }
        mark();
        Exception circular = new Exception("a");
        Exception other = new Exception("b", circular);
        circular.initCause(other);
        circular.printStackTrace();
        mark();
        say("RuntimeException is a class");
        say("Error: nothing to do");
        say("done with java.lang.IllegalStateException handling");
        Logger logger = Logger.getLogger("shop");
        logger.info("one line");
        mark();
        try { order(); } catch (RuntimeException e) { logger.log(Level.SEVERE, "could not place order", e); }
        mark();
        Thread thread = new Thread(() -> deep(3), "worker-1");
        thread.start();
        thread.join();
        mark();
        say("2026-11-22 19:30:02,000 INFO  [main] c.e.App - last words");
        order();
    }
}
