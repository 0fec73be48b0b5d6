import java.util.*;
public class Oom {
    public static void main(String[] a) throws Exception {
        System.out.println("starting"); Thread.sleep(10);
        List<byte[]> all = new ArrayList<>();
        try { while (true) all.add(new byte[4 << 20]); } catch (OutOfMemoryError e) { all.clear(); System.out.println("out of memory: " + e.getMessage()); }
        Thread.sleep(10); System.out.println("going on");
        StringBuilder b = new StringBuilder("report:\n"); for (int i = 0; i < 3; i++) b.append("  line ").append(i).append("\n"); System.out.print(b);
        Thread.sleep(10);
        int[] none = {}; System.out.println(none[3]);
    }
}
