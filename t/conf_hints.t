# SPDX-License-Identifier: BSD-2-Clause
#
# Usual mistakes: the message is nginx's, and what stands under it says what to
# write instead, once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $dir = $t->dir;

# report($text): the lines of -t, with F for the file.
sub report {
    my ($text) = @_;

    $t->write('hint.conf', $text);
    my ($code, undef, $err) = run_binary('-t', '-p', "$dir/", '-c',
        'hint.conf', '-e', 'hint.log', '-g', "pid $dir/pid;",
        is_oracle() ? () : '--lint');
    $err =~ s/\Q$dir\E\/hint\.conf/F/g;
    return ($code, grep { !/could not open error log/ } split /\n/, $err);
}

# mistake($name, $text, $message, $hint, $n): $n messages (1), of which this is
# the first, and this line under it, once.
sub mistake {
    my ($name, $text, $message, $hint, $n) = @_;
    my ($code, @lines) = report($text);

    is $code, 1, "$name: refused";
    is $lines[0], "nginx: [emerg] $message", "$name: the message";
    return if is_oracle();
    is scalar(grep { $_ eq "       $hint" } @lines), 1, "$name: the cure"
        or diag join "\n", @lines;
    is scalar(grep /\[emerg\]/, @lines), $n // 1, "$name: and no more"
        or diag join "\n", @lines;
    is scalar(grep /\b(?:error|warn|notice|info|debug|crit|alert)\b/,
              grep /^ {7}/, @lines), 0, "$name: no word of a level";
}

sub http   { return "events { }\nhttp {\n$_[0]}\n" }
sub server { return http("server {\nlisten 127.0.0.1:1;\n$_[0]}\n") }

mistake('no scheme', server("location / { proxy_pass 127.0.0.1:3000; }\n"),
    'invalid URL prefix in F:5',
    'the scheme is missing: "http://127.0.0.1:3000"');
mistake('MB', http("client_max_body_size 10MB;\n"),
    '"client_max_body_size" directive invalid value in F:3',
    'sizes end in k, m or g: "10m"');
mistake('sec', http("client_body_timeout 10sec;\n"),
    '"client_body_timeout" directive invalid value in F:3',
    'times end in ms, s, m, h or d: "10s"');
mistake('a brace in a location',
    server("location ~ ^/[0-9]{3}\$ { return 204; }\n"),
    'unknown directive "3}$" in F:5',
    'a pattern with "{" in it stands in quotes: "^/[0-9]{3}$"');
mistake('a brace in a rewrite',
    server("rewrite ^/([0-9]{2,4})/x\$ /y last;\nlocation / { }\n"),
    'directive "rewrite" is not terminated by ";" in F:5',
    'a pattern with "{" in it stands in quotes: "^/([0-9]{2,4})/x$"');
mistake('an open quote', server("add_header X \"abc;\nlocation / { }\n"),
    'unexpected end of file, expecting ";" or "}" in F:9',
    'the quote that opens in line 5 may lack its end');
mistake('an open quote and another',
    server("add_header X \"abc;\nadd_header Y \"z\";\nlocation / { }\n"),
    'unexpected "z" in F:6',
    'the quote that opens in line 5 may lack its end');
mistake('a script', server("location / { js_content main.hello; }\n"),
    'directive "js_content" is not supported by this build in F:5',
    'map, set and auth_request do without a script; others are for an '
    . 'application behind proxy_pass');
mistake('old databases', http("geoip_country GeoIP.dat;\n"),
    'directive "geoip_country" is not supported by this build in F:3',
    'geoip2 reads the databases that are still made: "geoip2 FILE.mmdb { ... }"');
mistake('a wrong block', http("proxy_pass http://127.0.0.1;\n"),
    '"proxy_pass" directive is not allowed here in F:3',
    'allowed in: location, if in location, limit_except');
mistake('server outside of http', "events { }\nserver { listen 127.0.0.1:1; }\n",
    '"server" directive is not allowed here in F:2',
    'allowed in: http, upstream, upstream in stream; a file of servers is '
    . 'included within "http { }"');
mistake('the environment', server("return 200 \"\${HOME}\";\n"),
    'unknown "home" variable', 'the environment\'s is "${env:HOME}"');
mistake('curly quotes', server("add_header X \xe2\x80\x9ca b\xe2\x80\x9d;\n"),
    "invalid parameter \"b\xe2\x80\x9d\" in F:5",
    "\xe2\x80\x9c is a typographic quote, a letter like others: write \" or '");
mistake('a byte order mark', "\xef\xbb\xbfevents { }\nhttp { }\n",
    "unknown directive \"\xef\xbb\xbfevents\" in F:1",
    'the file begins with a byte order mark (EF BB BF): save it without');
mistake('a block that does not end',
    http("    server {\n        location / {\n            return 204;\n    }\n"),
    'unexpected end of file, expecting "}" in F:8',
    'this block is not closed: the "}" of line 6 stands left of it');
mistake('a block that does not end before another',
    http("    server {\n        location / {\n            return 204;\n    }\n"
        . "    server {\n        listen 127.0.0.1:1;\n    }\n"),
    '"server" directive is not allowed here in F:7',
    'is the block of line 4 not closed?  The "}" of line 6 stands left of it',
    2);
my $unknown = is_oracle() ? '' : 'upstream_unresolved emerg; ';
mistake('a name of an upstream', http($unknown . "upstream backend.local { server "
    . "127.0.0.1:1; }\nserver { listen 127.0.0.1:1;\n"
    . "location / { proxy_pass http://bakend.local; } }\n"),
    'host not found in upstream "bakend.local" in F:5',
    'did you mean "backend.local"?');

# ---- what stands there twice ----

my $first = sub { "the first one is at F:$_[0]" };

mistake('a directive', server("root /a;\n\nroot /b;\n"),
    '"root" directive is duplicate in F:7', $first->(5));
mistake('alias and root', server("location /x/ {\nroot /a;\nalias /b;\n}\n"),
    '"alias" directive is duplicate, "root" directive was specified earlier '
    . 'in F:7', $first->(6));
mistake('a flag', http("sendfile on;\nsendfile off;\n"),
    '"sendfile" directive is duplicate in F:4', $first->(3));
mistake('http', http('') . "http {\n}\n",
    '"http" directive is duplicate in F:4', $first->(2));
mistake('a location', server("location /a { }\nlocation /b { }\n"
    . "location /a { }\n"),
    'duplicate location "/a" in F:7', $first->(5));
mistake('an upstream', http("upstream a { server 127.0.0.1:1; }\n"
    . "upstream b { server 127.0.0.1:1; }\nupstream a { server 127.0.0.1:1; }\n"),
    'duplicate upstream "a" in F:5', $first->(3));
mistake('a log_format', http("log_format a b;\nlog_format c d;\n"
    . "log_format a e;\n"), 'duplicate "log_format" name "a" in F:5',
    $first->(3));
mistake('a default server', http("server { listen 127.0.0.1:1; }\n"
    . "server { listen 127.0.0.1:1 default_server; }\n"
    . "server { listen 127.0.0.1:1 default_server; }\n"),
    'a duplicate default server for 127.0.0.1:1 in F:5', $first->(4));
mistake('options of listen', http("server { listen 127.0.0.1:1 backlog=5; }\n"
    . "server { listen 127.0.0.1:1 backlog=6; }\n"),
    'duplicate listen options for 127.0.0.1:1 in F:4', $first->(3));
mistake('a listen', server("listen 127.0.0.1:1;\n"),
    'a duplicate listen 127.0.0.1:1 in F:5', $first->(4));
mistake('a line of a map', http("map \$uri \$x {\na 1;\nb 2;\na 3;\n}\n"),
    'conflicting parameter "a" in F:6', 'the first one is at line 4');
mistake('a default of a map',
    http("map \$uri \$x {\ndefault 1;\nb 2;\ndefault 3;\n}\n"),
    'duplicate default map parameter in F:6', 'the first one is at line 4');
mistake('a thread pool', "thread_pool a threads=1;\nthread_pool a threads=2;\n"
    . http(''), 'duplicate thread pool "a" in F:2', $first->(1));

if (is_oracle()) {
    done_testing;
    exit;
}

# ---- a column is shown where it is known ----

my (undef, @lines) = report(http("roott /a;\n"));
is $lines[2], '       | ^', 'a caret under the word';
(undef, @lines) = report(server("location /a { }\nlocation /a { }\n"));
is scalar(grep /\^/, @lines), 0, 'no caret where only the line is known';

# Balanced blocks are not judged by their indentation.
(undef, @lines) = report(http("    server {\n  }\n  bogus;\n"));
is scalar(grep /not closed/, @lines), 0, 'indentation alone is no mistake';

done_testing;
