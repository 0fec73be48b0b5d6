public class Back {
    static class Declined extends RuntimeException { Declined(String m) { super(m); } }
    static void deep(int n) { if (n > 2) throw new Declined("order " + n); deep(n + 1); }
    public static void main(String[] a) throws Exception {
        for (int i = 0; i < 3; i++) try { deep(i); } catch (Declined e) { e.printStackTrace(); }
        System.err.println("three errors");
        System.err.println("java.lang is a package");
        new Exception("first line\nsecond line").printStackTrace();
        System.err.println("next");
        for (int i = 0; i < 2; i++) { final int n = i; Thread t = new Thread(() -> deep(n), "worker-" + i); t.start(); t.join(); }
        Throwable t = new Error("outer", new Declined("inner")); t.addSuppressed(new Exception("beside")); t.printStackTrace();
        System.err.println("end");
    }
}
