/* OHIF's configuration for Keepray; the runner fills in the address, and a token or the name of a registered app. */
const KEEPRAY = "@BASE@";
const TOKEN = "@TOKEN@"; // given by hand: then nobody signs in
const APP = "@CLIENT_ID@"; // or OHIF asks the patient (OpenID Connect, PKCE)

window.config = {
  routerBasename: "/",
  showStudyList: true,
  modes: [],
  investigationalUseDialog: { option: "never" },
  // The token goes with every request to Keepray as a header, never in an address.
  extensions: !TOKEN ? [] : [
    {
      id: "keepray-token",
      preRegistration({ servicesManager }) {
        servicesManager.services.userAuthenticationService.setServiceImplementation({
          getAuthorizationHeader: () => ({ Authorization: `Bearer ${TOKEN}` }),
        });
      },
    },
  ],
  oidc: !APP ? undefined : [
    {
      authority: KEEPRAY,
      client_id: APP,
      redirect_uri: "/callback",
      response_type: "code",
      scope: "openid fhirUser launch/patient patient/*.rs offline_access",
      extraQueryParams: { aud: `${KEEPRAY}/fhir` },
    },
  ],
  defaultDataSourceName: "keepray",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "keepray",
      configuration: {
        friendlyName: "Keepray",
        name: "keepray",
        qidoRoot: `${KEEPRAY}/dicomweb`,
        wadoRoot: `${KEEPRAY}/dicomweb`,
        qidoSupportsIncludeField: true,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        omitQuotationForMultipartRequest: false,
        bulkDataURI: { enabled: true },
      },
    },
  ],
};
