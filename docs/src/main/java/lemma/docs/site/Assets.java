package lemma.docs.site;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Style sheet, scripts and libraries, copied beside the pages so that they need no network.
final class Assets {
  private static final String WEBJARS = "META-INF/resources/webjars/";

  private Assets() {}

  /// A text file of this package's resources.
  static String read(String name) throws IOException {
    try (InputStream in = Assets.class.getResourceAsStream(name)) {
      if (in == null) throw new IOException("the resource " + name + " is not on the class path");
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /// Writes everything that the pages load into `folder`.
  static void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    for (String own : List.of("site.css", "site.js", "icon.svg"))
      Files.writeString(folder.resolve(own), read(own));
    copy("katex", "dist/katex.min.css", folder.resolve("katex/katex.min.css"));
    copy("katex", "dist/katex.min.js", folder.resolve("katex/katex.min.js"));
    copy("katex", "LICENSE", folder.resolve("katex/LICENSE"));
    copyFonts(folder.resolve("katex/fonts"));
    copy("highlightjs", "highlight.min.js", folder.resolve("highlight.min.js"));
    copy("echarts", "dist/echarts.min.js", folder.resolve("echarts.min.js"));
  }

  private static void copy(String webjar, String file, Path target) throws IOException {
    try (InputStream in = Assets.class.getClassLoader().getResourceAsStream(path(webjar) + file)) {
      if (in == null) throw new IOException("the webjar of " + webjar + " has no " + file);
      Files.createDirectories(target.getParent());
      Files.write(target, in.readAllBytes());
    }
  }

  /// The directory of a webjar, which is named after its version.
  private static String path(String webjar) throws IOException {
    for (String group : List.of("org.webjars.npm", "org.webjars")) {
      String properties = "META-INF/maven/" + group + "/" + webjar + "/pom.properties";
      try (InputStream in = Assets.class.getClassLoader().getResourceAsStream(properties)) {
        if (in == null) continue;
        var values = new java.util.Properties();
        values.load(in);
        return WEBJARS + webjar + "/" + values.getProperty("version") + "/";
      }
    }
    throw new IOException("the webjar of " + webjar + " is not on the class path");
  }

  private static void copyFonts(Path target) throws IOException {
    var css = Assets.class.getClassLoader().getResource(path("katex") + "dist/katex.min.css");
    String jar = css.toString().substring(0, css.toString().indexOf('!'));
    Files.createDirectories(target);
    try (FileSystem files = FileSystems.newFileSystem(URI.create(jar), Map.of());
        var fonts = Files.list(files.getPath(path("katex") + "dist/fonts"))) {
      for (Path font : fonts.filter(path -> path.toString().endsWith(".woff2")).toList())
        Files.write(target.resolve(font.getFileName().toString()), Files.readAllBytes(font));
    }
  }
}
