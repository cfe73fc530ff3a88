// JDBC without anything around it: logs in as each line says and writes what came of it. kit/drivers.py starts it.
//   id, port, sslmode, channelBinding or nothing, user, password  ->  id, error or nothing
// Fields stand between tabs. The first line written says whether this driver knows channelBinding.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Properties;

public class Connect {
    public static void main(String[] arguments) throws Exception {
        System.out.println(knowsChannelBinding());
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null;) {
            String[] fields = line.split("\t", -1);
            System.out.println(fields[0] + "\t" + logIn(fields).replaceAll("\\s+", " "));
        }
    }

    static boolean knowsChannelBinding() throws SQLException {
        String url = "jdbc:postgresql://127.0.0.1/postgres";
        for (DriverPropertyInfo known : DriverManager.getDriver(url).getPropertyInfo(url, new Properties()))
            if (known.name.equals("channelBinding")) return true;
        return false;
    }

    static String logIn(String[] fields) {
        Properties properties = new Properties();
        properties.setProperty("sslmode", fields[2]);
        if (!fields[3].isEmpty()) properties.setProperty("channelBinding", fields[3]);
        properties.setProperty("user", fields[4]);
        properties.setProperty("password", fields[5]);
        properties.setProperty("gssEncMode", "disable");
        properties.setProperty("connectTimeout", "60");
        properties.setProperty("socketTimeout", "60");
        String url = "jdbc:postgresql://127.0.0.1:" + fields[1] + "/postgres";
        try (Connection connection = DriverManager.getConnection(url, properties);
             ResultSet rows = connection.createStatement().executeQuery("SELECT 41 + 1")) {
            rows.next();
            return rows.getInt(1) == 42 ? "" : "another answer";
        } catch (SQLException error) {
            return error.getMessage();
        }
    }
}
