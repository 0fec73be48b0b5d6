import org.slf4j.*;
public class LogbackApp {
  static class OutOfStock extends RuntimeException { OutOfStock(String m, Throwable t) { super(m, t); } }
  public static void main(String[] a) throws Exception {
    Logger log = LoggerFactory.getLogger("shop.Orders");
    log.info("starting"); Thread.sleep(20);
    log.warn("config:\n  port: 8080\n  hosts: [a, b]\nend of config"); System.out.println("printed by hand"); Thread.sleep(20);
    try { try { "x".substring(9); } catch (Exception e) { throw new OutOfStock("no pens", e); } } catch (Exception e) { log.error("order {} failed", 7, e); }
    log.info("SELECT id\nFROM orders\nWHERE id = {}", 7); log.debug("next"); Thread.sleep(20);
    var s = new IllegalStateException("outer"); s.addSuppressed(new java.io.IOException("closing\nfailed")); s.printStackTrace(); log.info("after"); Thread.sleep(20);
    new Thread(() -> { throw new OutOfStock("in a thread", null); }, "worker-1").start(); Thread.sleep(50);
    log.info("{\n  \"a\": 1\n}"); log.info("end"); new Error("last").printStackTrace(System.out);
  }
}
