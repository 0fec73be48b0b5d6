import org.apache.logging.log4j.*; import org.apache.logging.log4j.core.config.Configurator;
public class Log4jApp { public static void main(String[] a) throws Exception {
  Configurator.setRootLevel(Level.DEBUG); Logger log = LogManager.getLogger("shop.Orders");
  log.info("starting"); Thread.sleep(20); log.error("failed", new RuntimeException("outer", new java.sql.SQLException("bad\nsql"))); log.warn("two\nlines"); Thread.sleep(20);
  System.err.println("stderr by hand"); log.info("next"); log.fatal("bye {}", new int[]{1,2}); System.out.println("WARNING something printed"); Thread.sleep(10); throw new Exception("end"); } }
