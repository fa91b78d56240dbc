# SPDX-License-Identifier: BSD-2-Clause
#
# weir doc NAME: every directive and variable of the build is documented; what
# it says of a configuration is what the server then does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Weir::Test;

plan skip_all => 'weir has subcommands' if is_oracle();

my $t = Weir::Test->new;
my $dir = $t->dir;

sub doc { return run_binary('doc', @_) }

# json(@args): (exit code, what was printed, decoded).
sub json {
    my ($code, $out) = doc(@_, '--json');
    my $facts = eval { decode_json($out) };

    ok defined $facts, "doc @_ --json is JSON" or diag $out;
    return ($code, $facts);
}


# ---- all of them ----

my ($code, $all) = json();
is $code, 0, 'the list: exit code';
my %directive;
push @{ $directive{$_->{name}} }, $_ for @{ $all->{directives} };
my %variable = map { $_->{name} => $_ } @{ $all->{variables} };

my %contexts;
my %spelled = ('if in server' => 'if_in_server',
    'if in location' => 'if_in_location', 'server in stream' => 'stream_server',
    'upstream in stream' => 'stream_upstream',
    'server in mail' => 'mail_server');
for my $line (split /\n/, (run_binary('--directives'))[1]) {
    my ($name, undef, $where) = split /\t/, $line;
    $contexts{$name}{$_} = 1 for split /,/, $where;
}
cmp_ok scalar(keys %contexts), '>', 200, 'there are directives';
is_deeply [sort keys %directive], [sort keys %contexts],
    'the list has every name that --directives has';

my @silent = grep {
    grep { ($_->{says} // '') !~ /^[A-Z].*\.$/s || !@{ $_->{syntax} }
               || grep { !/^[a-z_0-9]+( \S.*)?(;| \{ \.\.\. \})$/ }
                  @{ $_->{syntax} }
    } @{ $directive{$_} }
} sort keys %directive;
is_deeply \@silent, [], 'each has a sentence and its syntax';

for my $name (sort keys %contexts) {
    my %own = map { ($spelled{$_} // $_) => 1 }
        map { @{ $_->{contexts} } } @{ $directive{$name} };
    my $said = join ',', sort keys %own;
    next if $said eq join ',', sort keys %{ $contexts{$name} };
    fail "$name: contexts";
    diag $said;
}

cmp_ok scalar(keys %variable), '>', 80, 'there are variables';
is_deeply [grep { ($variable{$_}{says} // '') eq '' } sort keys %variable], [],
    'each variable is explained';

my ($list_code, $list) = doc();
is $list_code, 0, 'the list as text: exit code';
like $list, qr/^Module: +http_gzip \(--without-http_gzip_module\)\n    gzip /m,
    'grouped by module, with its option';
like $list, qr/ \$gzip_ratio\n/, 'variables stand there too';

# In text each has its own page, which ends well.
for my $name ('gzip', 'include', 'listen', 'proxy_next_upstream', '$args') {
    my ($code, $out, $err) = doc($name);
    is "$code$err", '0', "$name";
    like $out, qr/^(Syntax|Variable): .*^Module: .*\n\n    [A-Z].*\.\n(?:\nExample:\n(?: {4}.*\n)+)?\z/ms,
        "$name: as text";
    is scalar(grep { length > 78 } split /\n/, $out), 0,
        "$name: no line is too long";
}


# ---- one directive ----

is_deeply $directive{gzip}[0], {
    name => 'gzip', syntax => ['gzip on | off;'], default => 'off',
    contexts => ['http', 'server', 'location', 'if in location'],
    inheritance => 'inherited by blocks that do not set it',
    inherited => JSON::PP::true, repeated => JSON::PP::false,
    module => 'http_gzip', option => '--without-http_gzip_module',
    says => $directive{gzip}[0]{says},
}, 'gzip';
is $directive{expires}[0]{default}, 'off', 'a default that is no preset';
is_deeply $directive{satisfy}[0]{syntax}, ['satisfy all | any;'],
    'words of an enumeration';
is_deeply $directive{return}[0]{syntax},
    ['return code [text];', 'return code URL;', 'return URL;'],
    'one line for each way to write it';
is scalar(@{ $directive{server} }), 2, 'server: http and upstream';
like $directive{proxy_busy_buffers_size}[0]{says}, qr/proxy_buffer_size/,
    'rows of templates have the prefix in their sentences';
my %inheritance = (
    proxy_pass => 'inherited by if and limit_except only',
    try_files => 'not inherited by blocks within',
    add_header =>
        'inherited whole by blocks that have none themselves; may be repeated',
    root => 'inherited by blocks that do not set it',
    listen => 'may be repeated',
);
is $directive{$_}[0]{inheritance}, $inheritance{$_}, "$_: inheritance"
    for sort keys %inheritance;


# ---- names ----

my ($c, $out, $err) = doc('limit_rate');
like $out, qr/^Syntax: +limit_rate rate;.*^Variable: +\$limit_rate$/ms,
    'a directive and a variable of one name';
($c, $out) = doc('$limit_rate');
unlike $out, qr/^Syntax/m, '$limit_rate is the variable';
($c, $out) = doc('$http_x_foo');
like $out, qr/\AVariable: +\$http_NAME\nHere: +\$http_x_foo, /,
    'a member of a family';
($c, $out) = doc('http_');
like $out, qr/\AVariable: +\$http_NAME\n(?!Here)/, 'the family';
($c, $out) = doc('$Http_User_Agent');
like $out, qr/\AVariable: +\$http_user_agent\n/,
    'case does not matter; a variable before its family';
($c, $out) = doc('$2');
like $out, qr/parentheses/, 'captures';

is_deeply [doc('gzpi')], [1, '',
    qq{nginx: unknown directive or variable "gzpi"\n}
    . qq{       did you mean "gzip"?\n}], 'a slip';
is_deeply [doc('$request_urj')], [1, '',
    qq{nginx: unknown variable "\$request_urj"\n}
    . qq{       did you mean "\$request_uri"?\n}], 'a slip in a variable';
my ($missing) = grep { !$directive{$_} } qw(perl_set js_import xslt_stylesheet
    google_perftools_profiles);
is_deeply [doc($missing)], [1, '',
    qq{nginx: nginx has a directive "$missing", which is not supported by }
    . qq{this build\n}], 'one of nginx';
is((doc('gzip', 'etag'))[0], 1, 'two names');
is((doc('--bogus'))[0], 1, 'an option that is none');


# ---- a configuration ----

# As a site has it that serves files and passes two parts on; the upstream's
# name cannot be resolved, and need not be.
my $conf = $t->conf(<<'END');
%%GLOBALS%%
events {}
http {
%%GLOBALS_HTTP%%
    gzip on;
    add_header X-Frame-Options DENY;
    add_header X-From http;
    proxy_read_timeout 30s;
    map $arg_kind $kind { default none; ~^(?<letter>[a-z]) $letter; }
    include more/*.conf;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name www.example.org example.org;
        root %%TESTDIR%%/html;
        client_max_body_size 10m;
        location / { try_files $uri $uri/ /index.html; }
        location /api/ {
            add_header X-From api always;
            proxy_read_timeout 300s;
            proxy_pass http://127.0.0.1:%%PORT_none%%;
            location /api/small/ { client_max_body_size 1k; }
            location /api/deep/ {
                add_header X-Deep $kind;
                add_header_inherit merge;
                return 200 deep;
            }
            location /api/off/ { add_header_inherit off; return 200 off; }
        }
        location ~ \.(?<ext>php)$ {
            if ($kind = "a b") { gzip off; return 200 $ext; }
            return 200 $1$http_x_one;
        }
    }
}
END
$t->write('html/index.html', 'index');
$t->write('more/two.conf', <<'END');
server { listen 127.0.0.1:1; gzip off; location /a {} location /b { gzip on; } }
upstream named { server no-such-host.invalid:80; keepalive_requests 7; }
END

# holds(NAME): "block|text text" of each block, with the preset as "-".
sub holds {
    my ($name, $which) = @_;
    my ($code, $facts) = json($name, '-c', $conf);

    return { map {
        $_->{block} => join(' ', map { $_->{text} } @{ $_->{values} })
            . ($_->{preset} ? '-' : '')
    } @{ $facts->{directives}[$which // 0]{holds} } };
}

my $www = 'server www.example.org example.org';
my $other = 'server 127.0.0.1:1';
my $php = 'location ~ \.(?<ext>php)$';
sub same {          # same(VALUE, block => VALUE ...)
    my ($value, %other) = @_;
    return { (map { $_ => $value } 'http', $www, $other, 'location /',
        'location /api/', 'location /api/small/', 'location /api/deep/',
        'location /api/off/', $php, 'location /a', 'location /b'), %other };
}

is_deeply holds('gzip'), same('gzip on;', $other => 'gzip off;',
    'location /a' => 'gzip off;', 'if ($kind = "a b" )' => 'gzip off;'), 'gzip';
is_deeply holds('etag'), same('-'), 'etag: nobody sets it';
is_deeply holds('proxy_read_timeout'), same('proxy_read_timeout 30s;',
    map { ("location $_" => 'proxy_read_timeout 300s;') }
        qw(/api/ /api/small/ /api/deep/ /api/off/)), 'proxy_read_timeout';
is_deeply holds('client_max_body_size'), same('-',
    (map { $_ => 'client_max_body_size 10m;' } $www, 'location /',
     'location /api/', 'location /api/deep/', 'location /api/off/', $php),
    'location /api/small/' => 'client_max_body_size 1k;'),
    'client_max_body_size';
my $frame = 'add_header X-Frame-Options DENY; add_header X-From http;';
my $api = 'add_header X-From api always;';
is_deeply holds('add_header'), same($frame,
    'location /api/' => $api, 'location /api/small/' => $api,
    'location /api/deep/' => "add_header X-Deep \$kind; $api",
    'location /api/off/' => '-'), 'add_header, inherited in three ways';

sub part {          # of what holds: blocks that have a value
    my ($held) = @_;
    return { map { $_ => $held->{$_} }
             grep { $held->{$_} ne '-' } keys %$held };
}
is_deeply part(holds('proxy_pass')), { 'location /api/' =>
    'proxy_pass http://127.0.0.1:' . $t->port('none') . ';' },
    'proxy_pass: not by locations within';
is_deeply part(holds('try_files')),
    { 'location /' => 'try_files $uri $uri/ /index.html;' }, 'try_files';
is_deeply holds('server_name'), { $www =>
    'server_name www.example.org example.org;', $other => '-' },
    'server_name: servers only';
is_deeply holds('keepalive_requests'), same('-'), 'keepalive_requests of http';
is_deeply holds('keepalive_requests', 1),
    { 'upstream named' => 'keepalive_requests 7;' }, 'that of an upstream';
is_deeply [keys %{ holds('worker_connections') }], ['events'],
    'worker_connections';

my (undef, $facts) = json('gzip', '-c', $conf);
is_deeply $facts->{directives}[0]{set}[1], { file => "$dir/more/two.conf",
    line => 1, text => 'gzip off;' }, 'where it is set, in an included file';
my ($deep) = grep { $_->{block} eq 'location /b' }
    @{ $facts->{directives}[0]{holds} };
is_deeply [@$deep{qw(file line inside)}], ["$dir/more/two.conf", 1, $other],
    'the place of a block';


# ---- as text ----

my $text = (doc('gzip', '-c', $conf))[1];
$text =~ s/.*^Holds in:\n//ms;
$text =~ s/\Q$dir\E\///g;
my @lines = split /\n/, $t->read('nginx.conf');
sub line {
    my ($re) = @_;
    return (grep { $lines[$_ - 1] =~ $re } 1 .. @lines)[0];
}
my $line = line(qr/gzip on/);
sub at { return 'line ' . ($line + $_[0]) }
is $text, "  http (nginx.conf:" . line(qr/^http/) . "): gzip on; ("
    . at(0) . ")\n"
    . "    $other (more/two.conf:1): gzip off; (line 1)\n"
    . "      the same in location /a (line 1)\n"
    . "      location /b (line 1): gzip on; (line 1)\n"
    . "    $www (" . at(6) . "): gzip on; (" . at(0) . ")\n"
    . "      the same in location / (" . at(11) . "), location /api/ ("
    . at(12) . ") and the 3\n        blocks within\n"
    . "      $php (" . at(24) . "): gzip on; (" . at(0) . ")\n"
    . "        if (\$kind = \"a b\" ) (" . at(25) . "): gzip off; (" . at(25)
    . ")\n",
    'what blocks have in common is put together';


# ---- variables ----

sub uses {
    my ($name) = @_;
    my ($code, $facts) = json($name, '-c', $conf);

    return [map { ($_->{defines} ? 'defines ' : 'uses ') . ($_->{text} // '?') }
            @{ $facts->{variables}[0]{uses} }];
}

is_deeply uses('$kind'), ['defines map $arg_kind $kind',
    'uses add_header X-Deep $kind;', 'uses if ($kind = "a b" )'], '$kind';
is_deeply uses('kind'), uses('$kind'), 'without its sign';
is_deeply uses('$ext'), ["defines $php", 'uses return 200 $ext;'], 'a capture';
is_deeply uses('$http_x_one'), ['uses return 200 $1$http_x_one;'],
    'a member of a family';
is_deeply uses('$http_'), ['uses return 200 $1$http_x_one;'], 'the family';
is_deeply uses('$letter'), ['uses ?'], 'within a map';
is_deeply uses('$request_id'), [], 'one that is not used';


# ---- what the server does ----

my $held = holds('add_header');
unlink "$dir/more/two.conf";
$t->run;
for my $case (['/api/deep/?kind=x', 'location /api/deep/'],
              ['/api/off/', 'location /api/off/'], ['/x.php', $php],
              ['/', 'location /'])
{
    my ($uri, $block) = @$case;
    my @sent = grep { /^X-/ } split /\r\n/, $t->get($uri)->head;
    my @said = map { my ($name, $value) = (split)[1, 2];
                     "$name: " . ($value eq '$kind' ? 'x' : $value) }
        grep { /^add_header/ } split /; ?/, $held->{$block};
    is_deeply \@sent, \@said, "add_header of $block is what is sent";
}
$t->stop;


# ---- a configuration that is wrong ----

$t->write('bad.conf', "events {}\nhttp {\n    gzp on;\n}\n");
($c, $out, $err) = doc('gzip', '-c', "$dir/bad.conf");
is $c, 1, 'exit code';
is $out, '', 'nothing is explained';
like $err, qr/^nginx: \[emerg\] unknown directive "gzp" in \S+bad.conf:3$/m,
    'its errors are printed';
($c, $out, $err) = doc('gzip', '-c', "$dir/none.conf");
is $c, 1, 'no such file';
like $err, qr/open\(\) "\S+none.conf" failed/, 'says so';

done_testing;
