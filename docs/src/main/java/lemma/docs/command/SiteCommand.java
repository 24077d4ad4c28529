package lemma.docs.command;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.SimpleFileServer;
import com.sun.net.httpserver.SimpleFileServer.OutputLevel;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import lemma.docs.ProjectHome;
import lemma.docs.site.Site;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Builds the handbook, and serves it if asked.
@Command(
    description = {
      "Builds the handbook as static pages: every answer with its code, formulas, figures, the last",
      "verdict on its claims and its benchmark. The pages need no server and no network."
    })
final class SiteCommand implements Callable<Integer> {

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "where to write it; docs/target/site of the project unless said otherwise")
  private Path out;

  @Option(
      names = "--serve",
      paramLabel = "PORT",
      description = "serve it on this machine at that port until stopped; 0 takes any free port")
  private Integer port;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (port != null && (port < 0 || port > 65535))
      throw new IllegalArgumentException("--serve must be a port from 0 to 65535, was " + port);
    ProjectHome home = ProjectHome.find();
    Path folder =
        (out == null ? home.path("docs", "target", "site") : out).toAbsolutePath().normalize();
    Site site = Site.read(home);
    try (var progress = Progress.of("pages", site.pages())) {
      site.write(folder, page -> progress.step());
    }
    var text = spec.commandLine().getOut();
    text.println(site.pages() + " pages in " + folder.resolve("index.html"));
    if (port != null) serve(folder);
    return Lemma.OK;
  }

  private void serve(Path folder) throws IOException {
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    HttpServer server;
    try {
      server = SimpleFileServer.createFileServer(address, folder, OutputLevel.NONE);
    } catch (java.io.UncheckedIOException e) {
      if (e.getCause() instanceof BindException)
        throw new IOException("port " + port + " is in use; choose another, or 0 for any", e);
      throw e;
    }
    server.start();
    spec.commandLine()
        .getOut()
        .println("http://localhost:" + server.getAddress().getPort() + "/ (Ctrl-C stops)");
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      server.stop(0);
    }
  }
}
