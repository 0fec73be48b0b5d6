import java.util.logging.*;
public class Jul {
    static final Logger LOG = Logger.getLogger(Jul.class.getName());
    static class Fault extends Exception { Fault(String m, Throwable c) { super(m, c); } }
    static void charge(int n) throws Fault { try { Integer.parseInt("x" + n); } catch (NumberFormatException e) { throw new Fault("order " + n + " declined\nby the bank", e); } }
    public static void main(String[] a) throws Exception {
        LOG.info("starting");
        LOG.warning("a message\nof two lines");
        Thread.sleep(30);
        try { charge(7); } catch (Fault e) { LOG.log(Level.SEVERE, "charge failed", e); }
        LOG.info("next");
        System.err.println("println in between");
        Thread.sleep(10);
        Thread t = new Thread(() -> { throw new IllegalStateException("worker is done"); }, "worker-1"); t.start(); t.join();
        LOG.fine("not shown"); LOG.info("last");
        Thread.sleep(5);
        charge(8);
    }
}
