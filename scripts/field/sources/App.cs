using System; using System.Threading; using System.Collections.Generic; using System.Threading.Tasks;
class Declined : Exception { public Declined(string m, Exception e) : base(m, e) {} }
class App {
  static int Price(Dictionary<string,int> d, string s) { return d[s]; }
  static void Main() {
    Console.WriteLine("starting"); Thread.Sleep(20);
    try { Price(new Dictionary<string,int>(), "ink"); } catch (Exception e) { Console.WriteLine("error: " + e); Console.WriteLine("going on"); }
    Thread.Sleep(20);
    try { try { Price(new Dictionary<string,int>(), "ink"); } catch (Exception e) { throw new Declined("card 7\nis declined", e); } } catch (Exception e) { Console.Error.WriteLine(e); }
    Console.WriteLine("next"); Console.WriteLine("next one"); Thread.Sleep(20);
    try { Task.Run(() => { throw new InvalidOperationException("in a task"); }).Wait(); } catch (AggregateException e) { Console.WriteLine(e); }
    Thread.Sleep(20);
    new Thread(() => { object o = null; o.ToString(); }).Start(); Thread.Sleep(300);
  }
}
